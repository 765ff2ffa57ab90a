"""Pictures that real clients send: several in a message, in results of tools, many in a long dialogue."""

from typing import Any

import pytest

from tests.live.service import Service

CHAT = "/v1/chat/completions"
BYTES = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{BYTES}"}}
FUNCTION = {"name": "look", "parameters": {"type": "object", "properties": {}}}
TOOL = {"type": "function", "function": FUNCTION}


def _post(service: Service, path: str = CHAT, **body: Any) -> Any:
    body.setdefault("model", "gigachat-pro")
    with service.http(service.fresh_key()) as http:
        return http.post(path, json=body)


def _asked(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


@pytest.mark.parametrize("extra", [{}, {"tools": [TOOL]}, {"stream": True}])
def test_two_pictures_in_a_message_are_carried(service: Service, extra: dict[str, Any]) -> None:
    messages = [_asked({"type": "text", "text": "Сравни."}, PICTURE, PICTURE)]

    answer = _post(service, messages=messages, **extra)

    assert answer.status_code == 200, answer.text
    assert "messages" not in answer.headers.get("x-xrouter-adapted", "")
    uploads = [
        r for r in service.sandbox.requests.of("gigachat", "files") if "delete" not in r.path
    ]
    assert len(uploads) == 2


def test_parallel_results_with_a_picture_each_are_carried(service: Service) -> None:
    picture = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": BYTES},
    }
    identities = ("t1", "t2")
    calls = [{"type": "tool_use", "id": own, "name": "read", "input": {}} for own in identities]
    results = [
        {"type": "tool_result", "tool_use_id": own, "content": [picture]} for own in identities
    ]
    messages = [
        {"role": "user", "content": "Прочти обе."},
        {"role": "assistant", "content": calls},
        {"role": "user", "content": results},
    ]

    answer = _post(service, "/v1/messages", max_tokens=50, messages=messages)

    assert answer.status_code == 200, answer.text


def test_the_eleventh_picture_of_a_dialogue_takes_the_place_of_the_first(service: Service) -> None:
    turn = [_asked({"type": "text", "text": "Что тут?"}, PICTURE)]
    turn += [{"role": "assistant", "content": "Точка."}]

    answer = _post(service, messages=[*turn * 11, {"role": "user", "content": "Итог?"}])

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-xrouter-adapted"] == "messages[0].content=rewritten"


def test_eleven_pictures_in_the_last_message_are_refused_before_any_is_sent(
    service: Service,
) -> None:
    answer = _post(service, messages=[_asked(*[PICTURE] * 11)])

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["param"], error["code"]) == ("messages[0].content", "unsupported_content")
    assert not service.sandbox.requests.of("gigachat", "files")
