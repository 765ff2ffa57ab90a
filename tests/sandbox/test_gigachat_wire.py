"""The shape of what the emulated GigaChat answers, held against the reference and recordings."""

import json
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.sandbox.callers import GigaChatCaller

WEATHER = {
    "name": "get_weather",
    "description": "Погода в городе",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Город"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city"],
    },
}


def messages(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in turns]


@pytest.mark.parametrize("base", ["/api/v1", "/v1"])
def test_an_answer_has_the_recorded_fields(gigachat: GigaChatCaller, base: str) -> None:
    body = {"model": "GigaChat-2-Max", "messages": messages(("user", "Столица России?"))}
    response = gigachat.chat(body, base=base)
    answer = response.json()
    assert set(answer) == {"choices", "created", "model", "object", "usage"}
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "GigaChat-2-Max:2.0.28.2"
    assert set(answer["choices"][0]) == {"message", "index", "finish_reason"}
    assert answer["choices"][0]["message"] == {
        "content": "Столица России — Москва.",
        "role": "assistant",
    }
    usage = answer["usage"]
    assert set(usage) == {
        "prompt_tokens", "completion_tokens", "total_tokens", "precached_prompt_tokens",
    }  # fmt: skip
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert response.headers["X-Request-ID"]
    assert response.headers["X-Session-ID"]
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"


def test_the_third_generation_names_its_object_in_plural(gigachat: GigaChatCaller) -> None:
    answer = gigachat.ask("Привет", model="GigaChat-3-Ultra")
    assert answer["object"] == "chat.completions"
    assert answer["model"].startswith("GigaChat-3-Ultra:")


def test_a_stream_has_the_recorded_events(gigachat: GigaChatCaller) -> None:
    events = gigachat.stream("Расскажи что-нибудь")
    assert len(events) > 5
    first, *_, last = events
    assert first["choices"][0]["delta"]["role"] == "assistant"
    assert all("role" not in event["choices"][0]["delta"] for event in events[1:])
    assert all("finish_reason" not in event["choices"][0] for event in events[:-1])
    assert all("usage" not in event for event in events[:-1])
    assert last["choices"] == [{"delta": {"content": ""}, "index": 0, "finish_reason": "stop"}]
    assert last["usage"]["completion_tokens"] > 0
    assert {event["object"] for event in events} == {"chat.completion"}


def test_a_stream_says_what_the_plain_answer_says(gigachat: GigaChatCaller) -> None:
    whole = gigachat.ask("Расскажи о Волге")
    events = gigachat.stream("Расскажи о Волге")
    text = "".join(event["choices"][0]["delta"]["content"] for event in events)
    assert text == whole["choices"][0]["message"]["content"]
    assert events[-1]["usage"] == whole["usage"]


def test_a_stream_is_chunked_and_keeps_the_connection(gigachat: GigaChatCaller) -> None:
    for _ in range(2):
        body = {"model": "GigaChat-2", "messages": messages(("user", "Привет")), "stream": True}
        response = gigachat.chat(body)
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["Transfer-Encoding"] == "chunked"


def test_the_usage_counts_as_the_counter_does(gigachat: GigaChatCaller) -> None:
    answer = gigachat.ask("Расскажи о Волге")
    text = answer["choices"][0]["message"]["content"]
    body = {"model": "GigaChat-2", "input": [text, "Привет"]}
    counted = gigachat.call("POST", "/tokens/count", json=body).json()
    assert [set(item) for item in counted] == [{"object", "tokens", "characters"}] * 2
    assert counted[0]["tokens"] == answer["usage"]["completion_tokens"]
    assert counted[1] == {"object": "tokens", "tokens": 2, "characters": 6}


def test_a_call_has_an_object_of_arguments_and_a_state(gigachat: GigaChatCaller) -> None:
    answer = gigachat.ask("Какая погода в Москве?", functions=[WEATHER], function_call="auto")
    choice = answer["choices"][0]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["content"] == ""
    assert choice["message"]["function_call"] == {
        "name": "get_weather",
        "arguments": {"city": "Москва"},
    }
    assert choice["message"]["functions_state_id"]


def test_a_streamed_call_comes_whole(gigachat: GigaChatCaller) -> None:
    (event,) = gigachat.stream("Какая погода в Москве?", functions=[WEATHER])
    choice = event["choices"][0]
    assert choice["finish_reason"] == "function_call"
    assert choice["delta"]["role"] == "assistant"
    assert choice["delta"]["function_call"]["arguments"] == {"city": "Москва"}
    assert event["usage"]["completion_tokens"] > 0


def test_a_result_is_passed_on(gigachat: GigaChatCaller) -> None:
    call = {"name": "get_weather", "arguments": {"city": "Москва"}}
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "Какая погода в Москве?"},
        {"role": "assistant", "content": "", "function_call": call, "functions_state_id": "s"},
        {"role": "function", "name": "get_weather", "content": '{"t": -5}'},
    ]
    answer = gigachat.ask("", messages=turns, functions=[WEATHER], function_call="auto")
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert '{"t": -5}' in answer["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("wanted", "finish"),
    [("none", "stop"), ("auto", "stop"), ({"name": "get_weather"}, "function_call")],
)
def test_function_call_says_whether_to_call(
    gigachat: GigaChatCaller, wanted: object, finish: str
) -> None:
    answer = gigachat.ask("Привет", functions=[WEATHER], function_call=wanted)
    assert answer["choices"][0]["finish_reason"] == finish


def test_partial_arguments_are_kept(gigachat: GigaChatCaller) -> None:
    wanted = {"name": "get_weather", "partial_arguments": {"unit": "fahrenheit"}}
    answer = gigachat.ask("Какая погода в Омске?", functions=[WEATHER], function_call=wanted)
    arguments = answer["choices"][0]["message"]["function_call"]["arguments"]
    assert arguments == {"city": "Омск", "unit": "fahrenheit"}


def test_auto_without_functions_runs_built_in_ones(gigachat: GigaChatCaller) -> None:
    events = gigachat.stream("Нарисуй кота", function_call="auto")
    assert events[0]["choices"][0]["delta"]["role"] == "function_in_progress"
    assert gigachat.stream("Нарисуй кота")[0]["choices"][0]["delta"]["role"] == "assistant"


def test_a_schema_is_answered_in_pretty_json(gigachat: GigaChatCaller) -> None:
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["answer", "n"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "schema": schema, "strict": True}
    answer = gigachat.ask('Return {"answer":"ok","n":3} exactly.', response_format=wanted)
    content = answer["choices"][0]["message"]["content"]
    assert content == '{\n    "answer": "ok",\n    "n": 3\n}'


def test_a_regular_expression_is_matched_by_the_answer(gigachat: GigaChatCaller) -> None:
    wanted = {"type": "regex", "regex": "[0-9]{4}"}
    answer = gigachat.ask("Год основания Москвы 1147?", response_format=wanted)
    assert answer["choices"][0]["message"]["content"] == "1147"


def test_the_token_limit_cuts_the_answer(gigachat: GigaChatCaller) -> None:
    answer = gigachat.ask("sandbox:long=100", max_tokens=7)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 7
    assert gigachat.ask("sandbox:long=100")["usage"]["completion_tokens"] == 100


def test_several_choices_say_the_same(gigachat: GigaChatCaller) -> None:
    first = gigachat.ask("Привет")
    two = gigachat.ask("Привет", n=2)
    assert [choice["index"] for choice in two["choices"]] == [0, 1]
    assert two["usage"]["completion_tokens"] == 2 * first["usage"]["completion_tokens"]
    finishes = [
        event["choices"][0]["index"]
        for event in gigachat.stream("Привет", n=2)
        if "finish_reason" in event["choices"][0]
    ]
    assert finishes == [0, 1]


def test_the_filter_is_a_finish_not_an_error(gigachat: GigaChatCaller) -> None:
    choice = gigachat.ask("sandbox:filter")["choices"][0]
    assert choice["finish_reason"] == "blacklist"
    assert choice["message"]["content"]
    assert gigachat.stream("sandbox:filter")[-1]["choices"][0]["finish_reason"] == "blacklist"


def test_a_session_that_repeats_its_beginning_is_cached(gigachat: GigaChatCaller) -> None:
    def usage(session: str, *turns: tuple[str, str]) -> tuple[int, int]:
        body = {"model": "GigaChat-2", "messages": messages(*turns)}
        answer = gigachat.chat(body, headers={"X-Session-ID": session}).json()["usage"]
        assert answer["total_tokens"] == answer["prompt_tokens"] + answer["completion_tokens"]
        return answer["prompt_tokens"], answer["precached_prompt_tokens"]

    def cached(session: str, *turns: tuple[str, str]) -> int:
        return usage(session, *turns)[1]

    first = ("system", "Отвечай кратко."), ("user", "Привет")
    assert cached("a-1", *first) == 0
    assert cached("b-1", *first) == 0
    assert cached("a-1", *first, ("assistant", "Привет!"), ("user", "Как дела?")) > 0
    assert cached("a-1", ("user", "Другое")) == 0


def test_cached_tokens_stand_beside_the_prompt_and_may_be_more(gigachat: GigaChatCaller) -> None:
    long = ("system", "Отвечай кратко. " * 100), ("user", "Привет")
    body = {"model": "GigaChat-2", "messages": messages(*long)}
    first, second = (
        gigachat.chat(body, headers={"X-Session-ID": "c-1"}).json()["usage"] for _ in range(2)
    )
    assert first["precached_prompt_tokens"] == 0
    assert second["precached_prompt_tokens"] > second["prompt_tokens"]
    whole = second["precached_prompt_tokens"] + second["prompt_tokens"]
    assert whole == first["prompt_tokens"]


def test_an_image_is_seen_by_a_model_with_eyes(gigachat: GigaChatCaller) -> None:
    picture = [{"role": "user", "content": "Что тут?", "attachments": [gigachat.upload()]}]
    answer = gigachat.ask("", messages=picture, model="GigaChat-2-Pro")
    assert "cat.png" in answer["choices"][0]["message"]["content"]


def test_a_document_needs_no_eyes(gigachat: GigaChatCaller) -> None:
    file = gigachat.upload("заметка.txt", "text/plain")
    document = [{"role": "user", "content": "Что тут?", "attachments": [file]}]
    assert gigachat.chat({"model": "GigaChat-2", "messages": document}).status_code == 200


def test_reasoning_effort_is_for_the_reasoning_model(gigachat: GigaChatCaller) -> None:
    assert gigachat.ask("Привет", model="GigaChat-2-Reasoning", reasoning_effort="low")


def test_models_are_listed_by_type(gigachat: GigaChatCaller) -> None:
    listed = gigachat.call("GET", "/models").json()
    assert listed["object"] == "list"
    assert {"id": "GigaChat-2-Max", "object": "model", "owned_by": "salutedevices",
            "type": "chat"} in listed["data"]  # fmt: skip
    assert {card["type"] for card in listed["data"]} == {"chat", "embedder", "filter", "aicheck"}
    card = gigachat.call("GET", "/models/EmbeddingsGigaR").json()
    assert card in listed["data"]


@pytest.mark.parametrize(
    ("model", "size"),
    [("Embeddings", 1024), ("Embeddings-2", 1024), ("EmbeddingsGigaR", 2560),
     ("GigaEmbeddings-3B-2025-09", 2048)],
)  # fmt: skip
def test_embeddings_have_a_usage_each(gigachat: GigaChatCaller, model: str, size: int) -> None:
    body = {"model": model, "input": ["кошка спит", "кошка дремлет", "цена нефти"]}
    answer = gigachat.call("POST", "/embeddings", json=body).json()
    assert (answer["object"], answer["model"]) == ("list", model)
    assert [item["index"] for item in answer["data"]] == [0, 1, 2]
    assert all(len(item["embedding"]) == size for item in answer["data"])
    assert all(set(item["usage"]) == {"prompt_tokens"} for item in answer["data"])
    near, like, far = (item["embedding"] for item in answer["data"])
    assert dot(near, like) > dot(near, far)


def test_a_file_lives_from_upload_to_delete(gigachat: GigaChatCaller) -> None:
    file = gigachat.upload()
    card = gigachat.call("GET", f"/files/{file}").json()
    assert set(card) == {
        "id", "object", "bytes", "created_at", "filename", "purpose", "access_policy",
    }  # fmt: skip
    assert (card["object"], card["filename"], card["bytes"]) == ("file", "cat.png", 8)
    content = gigachat.call("GET", f"/files/{file}/content")
    assert content.content == b"\x89PNG\r\n--"
    assert card in gigachat.call("GET", "/files").json()["data"]
    deleted = gigachat.call("POST", f"/files/{file}/delete").json()
    assert deleted == {"id": file, "object": "file", "deleted": True}
    assert gigachat.call("GET", f"/files/{file}").status_code == 404


def test_the_balance_is_told(gigachat: GigaChatCaller) -> None:
    (first, *_) = gigachat.call("GET", "/balance").json()["balance"]
    assert first == {"usage": "GigaChat", "value": 900_000}


def test_an_update_interval_is_obeyed(sandbox: Sandbox, gigachat: GigaChatCaller) -> None:
    assert len(gigachat.stream("Привет", update_interval=0.02)) > 1
    assert sandbox.requests[-1].finished


def test_the_body_is_utf8_not_escapes(gigachat: GigaChatCaller) -> None:
    body = {"model": "GigaChat-2", "messages": messages(("user", "Привет")), "stream": True}
    raw = gigachat.chat(body).content
    assert "Здравствуйте".encode() in raw
    assert json.loads(raw.split(b"\n\n")[0].removeprefix(b"data: "))


def dot(first: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(first, other, strict=True))
