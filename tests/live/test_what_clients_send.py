"""What real clients send is answered: broken histories, odd pictures and schemas, lists of prompts."""

import socket
from decimal import Decimal
from typing import Any

import orjson
import pytest

from tests.api.corpus import corpus
from tests.live.callers import events_in
from tests.live.service import Service

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
MODELS = ["gigachat-pro", "yandexgpt"]
HELLO = [{"role": "user", "content": "Столица России?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def _post(service: Service, path: str = CHAT, key: str | None = None, **body: Any) -> Any:
    headers = body.pop("headers", {})
    body.setdefault("model", "gigachat-pro")
    with service.http(key) as http:
        return http.post(path, json=body, headers=headers)


def _generation(service: Service, answer: Any, key: str | None = None) -> Any:
    with service.http(key) as http:
        return http.get("/v1/generation", params={"id": answer.json()["id"]}).json()["data"]


def test_a_picture_of_a_tool_is_put_in_words_for_a_model_without_eyes(service: Service) -> None:
    [entry] = [entry for entry in corpus("histories") if entry["name"].startswith("a screenshot")]

    answer = _post(service, model="yandexgpt", messages=entry["messages"])

    assert "messages[2].content=rewritten" in answer.headers["x-xrouter-adapted"]


@pytest.mark.parametrize("model", MODELS)
def test_a_call_of_a_tool_that_was_not_offered_is_passed_on(service: Service, model: str) -> None:
    asked = [{"role": "user", "content": "Погода в Москве? sandbox:unruly=wrong_name!"}]

    answer = _post(service, model=model, messages=asked, tools=[WEATHER])

    [choice] = answer.json()["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"]["name"] != "get_weather"
    assert "tool_calls=invalid" not in answer.headers.get("x-xrouter-adapted", "")


@pytest.mark.parametrize("model", MODELS)
def test_arguments_that_stay_unfit_are_passed_on_and_named(service: Service, model: str) -> None:
    asked = [{"role": "user", "content": "Погода в Москве? sandbox:unruly=missing!"}]

    answer = _post(service, model=model, messages=asked, tools=[WEATHER])

    assert answer.json()["choices"][0]["finish_reason"] == "tool_calls"
    assert "tool_calls=invalid" in answer.headers["x-xrouter-adapted"]
    assert "tool_calls=invalid" in _generation(service, answer)["adapted"]


def _text(choice: dict[str, Any]) -> str:
    """Return the words of a choice, plain or of a chunk, of either form of completions."""
    holder = choice.get("message") or choice.get("delta") or {"content": choice.get("text", "")}
    return str(holder.get("content", ""))


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
def test_several_prompts_are_choices_of_one_generation(service: Service, path: str) -> None:
    prompts = ["Столица России?", "Столица Франции?", "Скажи раз"]
    alone = [_post(service, path, prompt=prompt).json() for prompt in prompts]

    answer = _post(service, path, prompt=prompts)

    document = answer.json()
    assert [choice["index"] for choice in document["choices"]] == [0, 1, 2]
    written = [_text(choice) for choice in document["choices"]]
    assert written == [_text(single["choices"][0]) for single in alone]
    assert {choice["finish_reason"] for choice in document["choices"]} == {"stop"}
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert document["usage"][name] == sum(single["usage"][name] for single in alone)
    costs = [Decimal(str(single["usage"]["cost"])) for single in alone]
    assert Decimal(str(document["usage"]["cost"])) == sum(costs)
    generation = _generation(service, answer)
    assert generation["tokens_prompt"] == document["usage"]["prompt_tokens"]


def test_one_prompt_in_a_list_is_one_prompt(service: Service) -> None:
    answer = _post(service, COMPLETIONS, prompt=["Скажи раз"], best_of=1, logit_bias={}, n=1)

    assert answer.json()["object"] == "text_completion"
    assert len(answer.json()["choices"]) == 1


def test_a_list_of_prompts_is_one_counted_request(service: Service) -> None:
    key = service.fresh_key()
    before = _post(service, COMPLETIONS, key=key, prompt="раз")
    after = _post(service, COMPLETIONS, key=key, prompt=["раз", "два", "три"])

    left = [int(answer.headers["x-ratelimit-remaining-requests"]) for answer in (before, after)]
    assert left[0] - left[1] <= 1


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
def test_streamed_choices_bear_their_index_and_each_its_end(service: Service, path: str) -> None:
    answer = _post(service, path, prompt=["Столица России?", "Столица Франции?"], stream=True)

    choices = [choice for event in events_in(answer.content) for choice in event["choices"]]
    assert [c["index"] for c in choices] == sorted(c["index"] for c in choices)
    assert [c["index"] for c in choices if c["finish_reason"]] == [0, 1]
    for index, word in enumerate(("Москва", "Франции")):
        assert word in "".join(_text(c) for c in choices if c["index"] == index)
    assert answer.content.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("is_streamed", [False, True])
def test_the_failure_of_one_prompt_is_that_of_all_and_free(
    service: Service, is_streamed: bool
) -> None:
    key = service.fresh_key()
    prompts = ["Столица России?", "sandbox:error=500 Столица Франции?"]

    answer = _post(service, COMPLETIONS, key=key, prompt=prompts, stream=is_streamed)

    if is_streamed:
        assert events_in(answer.content)[-1]["error"]["code"] == "provider_error"
    else:
        assert answer.status_code == 502
    with service.http(key) as http:
        assert http.get("/v1/credits").json()["data"]["total_usage"] == 0


def test_more_than_twenty_prompts_are_refused(service: Service) -> None:
    answer = _post(service, COMPLETIONS, prompt=["раз"] * 21)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "prompt")


def test_zero_data_retention_means_a_provider_that_keeps_nothing(service: Service) -> None:
    preferences = {"zdr": True, "data_collection": "allow"}

    kept = _post(service, messages=HELLO, provider=preferences)
    denied = _post(service, messages=HELLO, provider=preferences, models=["yandexgpt"])

    assert (kept.status_code, kept.json()["error"]["code"]) == (503, "no_provider_available")
    assert denied.json()["provider"] == "yandexgpt"


def test_a_provider_that_nobody_knows_is_named(service: Service) -> None:
    preferences = {"order": ["gigachat", "gigachta"], "ignore": ["openai"]}

    answer = _post(service, messages=HELLO, provider=preferences)
    strict = _post(
        service, messages=HELLO, provider=preferences, headers={"X-XRouter-Strict": "true"}
    )

    assert answer.headers["x-xrouter-adapted"] == (
        "provider.order[1]=ignored, provider.ignore[0]=ignored"
    )
    assert (strict.status_code, strict.json()["error"]["param"]) == (400, "provider.order[1]")


def test_an_answer_that_the_balance_shortens_is_named(service: Service) -> None:
    key = service.fresh_key(balance="1")
    body: Any = {"messages": HELLO, "max_tokens": 8000, "model": "gigachat-2-max"}

    answer = _post(service, key=key, **body)
    strict = _post(
        service,
        key=service.fresh_key(balance="1"),
        headers={"X-XRouter-Strict": "true"},
        **body,
    )

    assert answer.headers["x-xrouter-adapted"] == "max_tokens=affordable"
    assert "max_tokens=affordable" in _generation(service, answer, key)["adapted"]
    assert (strict.status_code, strict.json()["error"]["code"]) == (402, "insufficient_credits")


def test_a_blank_prompt_goes_to_a_model_whose_provider_takes_it(service: Service) -> None:
    blank = [{"role": "user", "content": " "}]

    refused = _post(service, messages=blank, model="yandexgpt")
    answer = _post(service, messages=blank, model="yandexgpt", models=["gigachat-pro"])

    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "messages")
    assert (answer.status_code, answer.json()["model"]) == (200, "gigachat-pro")


def test_an_answer_that_the_balance_shortens_is_named_as_the_caller_does(service: Service) -> None:
    key = service.fresh_key(balance="1")
    body: Any = {"input": "Привет", "max_output_tokens": 1_000_000, "model": "gigachat-2-max"}

    answer = _post(service, "/v1/responses", key, **body)

    named = answer.headers["x-xrouter-adapted"]
    assert named == "max_output_tokens=clamped, max_output_tokens=affordable"
    assert "max_output_tokens=affordable" in _generation(service, answer, key)["adapted"]


@pytest.mark.parametrize("effort", ["xhigh", "max"])
def test_the_highest_effort_is_the_highest_that_the_model_has(
    service: Service, effort: str
) -> None:
    answer = _post(service, model="yandexgpt", messages=HELLO, reasoning_effort=effort)

    assert answer.status_code == 200
    assert "x-xrouter-adapted" not in answer.headers


def test_a_byte_order_mark_before_a_body_is_passed_over(service: Service) -> None:
    body = b"\xef\xbb\xbf" + orjson.dumps({"model": "gigachat-pro", "messages": HELLO})

    with service.http() as http:
        answer = http.post(CHAT, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 200


def test_a_bad_size_of_a_chunk_is_a_400(service: Service) -> None:
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nConnection: close\r\n"
        f"Authorization: Bearer {service.key()}\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as client:
        client.sendall(head.encode())
        assert client.recv(65536).startswith(b"HTTP/1.1 400 ")
