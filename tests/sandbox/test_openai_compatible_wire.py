"""The shape of what the emulated OpenAI-compatible server answers, held against the reference."""

import base64
import json
from typing import Any

import pytest

from sandbox.core.exchange import Reported
from sandbox.server import Sandbox
from tests.sandbox.openai_caller import OpenAICaller, chat_body, text_of

WEATHER = {
    "type": "function",
    "function": {
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
    },
}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["answer", "n"],
    "additionalProperties": False,
}
PICTURE = base64.b64encode(b"\x89PNG\r\n--").decode()


def test_an_answer_has_the_documented_fields(openai: OpenAICaller) -> None:
    response = openai.chat(chat_body("Столица России?"))
    answer = response.json()
    assert set(answer) == {"id", "object", "created", "model", "choices", "usage"}
    assert (answer["object"], answer["model"]) == ("chat.completion", "qwen3-8b")
    (choice,) = answer["choices"]
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"] == "Столица России — Москва."
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert response.headers["X-Request-Id"]
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_stream_has_the_documented_events(openai: OpenAICaller) -> None:
    events = openai.stream("Расскажи что-нибудь")
    assert len(events) > 5
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    assert len({event["id"] for event in events}) == 1
    first, *others = [event["choices"][0] for event in events]
    assert first["delta"] == {"role": "assistant", "content": ""}
    assert all("role" not in choice["delta"] for choice in others)
    assert [choice["finish_reason"] for choice in (first, *others)] == [None] * len(others) + [
        "stop"
    ]
    assert all("usage" not in event for event in events)


def test_a_stream_says_what_the_plain_answer_says(openai: OpenAICaller) -> None:
    whole = openai.ask("Расскажи о Волге")
    events = openai.stream("Расскажи о Волге", stream_options={"include_usage": True})
    assert text_of(events) == whole["choices"][0]["message"]["content"]
    assert events[-1]["choices"] == []
    assert events[-1]["usage"] == whole["usage"]
    assert all("usage" not in event for event in events[:-1])


def test_usage_comes_in_every_event_if_asked_for(openai: OpenAICaller, sandbox: Sandbox) -> None:
    options = {"include_usage": True, "continuous_usage_stats": True}
    events = openai.stream("Расскажи о Волге", stream_options=options)
    counts = [event["usage"]["completion_tokens"] for event in events]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1] > 5) == (0, True)
    usage = events[-1]["usage"]
    reported = Reported(usage["prompt_tokens"], usage["completion_tokens"])
    assert sandbox.requests[-1].usage == reported


def test_an_exchange_is_recorded(openai: OpenAICaller, sandbox: Sandbox) -> None:
    body = chat_body("Привет")
    response = openai.chat(body)
    (recorded,) = sandbox.requests.of("openai_compatible", "/chat/completions")
    assert (recorded.body, recorded.status, recorded.finished) == (body, 200, True)
    assert recorded.request_id == response.headers["X-Request-Id"]
    usage = response.json()["usage"]
    assert recorded.usage == Reported(usage["prompt_tokens"], usage["completion_tokens"])


def test_a_call_has_an_id_and_its_arguments_as_text(openai: OpenAICaller) -> None:
    (choice,) = openai.ask("Какая погода в Москве?", tools=[WEATHER])["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    (call,) = choice["message"]["tool_calls"]
    assert set(call) == {"id", "type", "function"}
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Москва"}


def test_calls_are_streamed_in_pieces(openai: OpenAICaller) -> None:
    events = openai.stream("Какая погода в Москве и Париже?", tools=[WEATHER])
    deltas = [event["choices"][0]["delta"] for event in events]
    pieces = [piece for delta in deltas for piece in delta.get("tool_calls", ())]
    opening = [piece for piece in pieces if "id" in piece]
    assert [piece["index"] for piece in opening] == [0, 1]
    assert len({piece["id"] for piece in opening}) == 2
    arguments = ["", ""]
    for piece in pieces:
        arguments[piece["index"]] += piece["function"]["arguments"]
    assert [json.loads(argument)["city"] for argument in arguments] == ["Москва", "Париж"]
    assert events[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("choice", "finish", "called"),
    [
        ("none", "stop", 0),
        ("auto", "stop", 0),
        ("required", "tool_calls", 1),
        (NAMED, "stop", 1),
    ],
)
def test_a_choice_of_tool_is_obeyed(
    openai: OpenAICaller, choice: Any, finish: str, called: int
) -> None:
    (answer,) = openai.ask("Привет", tools=[WEATHER], tool_choice=choice)["choices"]
    assert answer["finish_reason"] == finish
    assert len(answer["message"]["tool_calls"]) == called


def test_one_call_at_a_time_may_be_asked_for(openai: OpenAICaller) -> None:
    (answer,) = openai.ask(
        "Какая погода в Москве и Париже?", tools=[WEATHER], parallel_tool_calls=False
    )["choices"]
    assert len(answer["message"]["tool_calls"]) == 1


def test_results_of_all_calls_are_passed_on(openai: OpenAICaller) -> None:
    function = {"name": "get_weather", "arguments": "{}"}
    calls = [{"id": f"call_{i}", "type": "function", "function": function} for i in range(2)]
    turns = [
        {"role": "user", "content": "Какая погода в Москве и Париже?"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_1", "content": "плюс 3"},
        {"role": "tool", "tool_call_id": "call_0", "content": "минус 5"},
    ]
    (choice,) = openai.ask("", messages=turns, tools=[WEATHER])["choices"]
    assert choice["finish_reason"] == "stop"
    assert "плюс 3" in choice["message"]["content"]
    assert "минус 5" in choice["message"]["content"]


def test_a_schema_is_kept(openai: OpenAICaller) -> None:
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
    }
    answer = openai.ask('Return {"answer":"ok","n":3} exactly.', response_format=wanted)
    assert json.loads(answer["choices"][0]["message"]["content"]) == {"answer": "ok", "n": 3}


def test_a_json_object_is_given(openai: OpenAICaller) -> None:
    answer = openai.ask("Назови город", response_format={"type": "json_object"})
    assert isinstance(json.loads(answer["choices"][0]["message"]["content"]), dict)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_token_limit_cuts_the_answer(openai: OpenAICaller, name: str) -> None:
    answer = openai.ask("sandbox:long=100", **{name: 7})
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 7
    assert openai.ask("sandbox:long=100")["usage"]["completion_tokens"] == 100


def test_a_stop_sequence_ends_the_answer_before_it(openai: OpenAICaller) -> None:
    (choice,) = openai.ask("Столица России?", stop=["нет такого", " Москва"])["choices"]
    assert choice["message"]["content"] == "Столица России —"
    assert choice["finish_reason"] == "stop"


def test_the_filter_is_a_finish_not_an_error(openai: OpenAICaller) -> None:
    choice = openai.ask("sandbox:filter")["choices"][0]
    assert choice["finish_reason"] == "content_filter"
    assert openai.stream("sandbox:filter")[-1]["choices"][0]["finish_reason"] == "content_filter"


def test_a_model_that_reasons_thinks_aloud(openai: OpenAICaller) -> None:
    whole = openai.ask("Столица России?", model="gpt-oss-20b", reasoning_effort="low")
    message, usage = whole["choices"][0]["message"], whole["usage"]
    assert message["reasoning"] == message["reasoning_content"]
    thought = usage["completion_tokens_details"]["reasoning_tokens"]
    assert 0 < thought < usage["completion_tokens"]
    events = openai.stream("Столица России?", model="gpt-oss-20b")
    deltas = [event["choices"][0]["delta"] for event in events]
    assert "".join(delta.get("reasoning", "") for delta in deltas) == message["reasoning"]
    assert text_of(events) == message["content"]


def test_thoughts_count_within_the_limit(openai: OpenAICaller) -> None:
    answer = openai.ask("Столица России?", model="gpt-oss-20b", max_tokens=3)
    assert answer["choices"][0]["message"]["content"] == ""
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 3


def test_a_prompt_that_begins_alike_is_cached(openai: OpenAICaller) -> None:
    def cached(*texts: str) -> int:
        roles = ("system", "user", "assistant", "user")
        turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]
        usage = openai.ask("", messages=turns)["usage"]
        tokens = int(usage["prompt_tokens_details"]["cached_tokens"])
        assert 0 <= tokens < usage["prompt_tokens"]
        return tokens

    assert cached("Кратко и по делу.", "Привет") == 0
    assert cached("Кратко и по делу.", "Привет", "Привет!", "Как дела?") > 0
    assert cached("Длинно.", "Привет") == 0


def test_an_image_is_seen_by_a_model_with_eyes(openai: OpenAICaller) -> None:
    parts = [
        {"type": "text", "text": "Что тут?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}},
    ]
    turns = [{"role": "user", "content": parts}]
    answer = openai.ask("", messages=turns, model="gemma-3-27b-it")
    assert "image/png (8 B)" in answer["choices"][0]["message"]["content"]


def test_models_are_listed(openai: OpenAICaller) -> None:
    listed = openai.call("GET", "/models").json()
    assert listed["object"] == "list"
    names = [card["id"] for card in listed["data"]]
    assert {"qwen3-8b", "gemma-3-27b-it", "gpt-oss-20b", "bge-m3"} == set(names)
    assert openai.call("GET", "/models/qwen3-8b").json() == listed["data"][names.index("qwen3-8b")]


def test_embeddings_have_one_usage(openai: OpenAICaller) -> None:
    texts = ["кошка спит", "кошка дремлет", "цена нефти"]
    answer = openai.call("POST", "/embeddings", json={"model": "bge-m3", "input": texts}).json()
    assert (answer["object"], answer["model"]) == ("list", "bge-m3")
    assert [item["index"] for item in answer["data"]] == [0, 1, 2]
    assert all(len(item["embedding"]) == 1024 for item in answer["data"])
    near, like, far = (item["embedding"] for item in answer["data"])
    assert dot(near, like) > dot(near, far)
    first = {"model": "bge-m3", "input": texts[0], "encoding_format": "float"}
    alone = openai.call("POST", "/embeddings", json=first).json()
    assert alone["data"] == answer["data"][:1]
    assert 0 < alone["usage"]["prompt_tokens"] < answer["usage"]["prompt_tokens"]


def dot(first: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(first, other, strict=True))
