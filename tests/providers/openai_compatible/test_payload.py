"""ChatRequest -> the body of POST /chat/completions."""

from typing import Any

import pytest

from gateway.providers._shared.json_body import encode_json
from gateway.providers._shared.tool_names import tool_names
from gateway.providers.chat_types import (
    ChatRequest,
    JSONObject,
    NamedTool,
    ResponseFormat,
    Tool,
)
from gateway.providers.errors import UnsupportedInput
from gateway.providers.openai_compatible.payload import completion_payload
from tests.providers.openai_compatible.upstream import said

CITY: JSONObject = {
    "type": "object",
    "properties": {"city": {"$ref": "#/$defs/City"}},
    "$defs": {"City": {"type": "string"}},
}
PRICE = Tool("delivery price", "Цена доставки", CITY, strict=True)
TRACK = Tool("track")


def wire(request: ChatRequest) -> JSONObject:
    return completion_payload(request, upstream_id="qwen3-8b", names=tool_names(request))


def test_a_plain_question_says_the_least() -> None:
    assert wire(said("Сколько планет?")) == {
        "model": "qwen3-8b",
        "messages": [{"role": "user", "content": "Сколько планет?"}],
        "stream": False,
    }


def test_a_stream_is_asked_for_its_usage() -> None:
    sent = wire(said(stream=True))
    assert (sent["stream"], sent["stream_options"]) == (True, {"include_usage": True})


def test_every_word_of_the_wire_is_passed_on_as_it_is() -> None:
    words: dict[str, Any] = {
        "max_tokens": 256,
        "temperature": 0.0,
        "top_p": 0.9,
        "top_k": 40,
        "min_p": 0.1,
        "seed": 0,
        "frequency_penalty": 0.5,
        "presence_penalty": -0.5,
        "repetition_penalty": 1.1,
        "reasoning_effort": "high",
        "logit_bias": {"5": -100.0},
    }
    sent = wire(said(stop=("\n", "Конец"), **words))
    assert sent == {**wire(said()), **words, "stop": ["\n", "Конец"]}


def test_what_no_chunk_could_bring_back_is_refused() -> None:
    with pytest.raises(UnsupportedInput) as caught:
        wire(said(n=2))
    assert caught.value.param == "n"


def test_probabilities_are_asked_for_where_the_caller_wants_them() -> None:
    told: dict[str, Any] = {"logprobs": True, "top_logprobs": 3}
    assert wire(said(**told)) == {**wire(said()), **told}
    assert wire(said(logprobs=False, top_logprobs=3)) == wire(said())


def test_data_that_must_not_be_collected_is_not_sent() -> None:
    with pytest.raises(UnsupportedInput) as caught:
        wire(said(data_collection="deny"))
    assert caught.value.param == "provider.data_collection"


def test_values_that_ask_for_nothing_say_nothing() -> None:
    neutral: dict[str, Any] = {
        "stop": (),
        "logit_bias": {},
        "logprobs": False,
        "top_logprobs": 0,
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "session_id": "one",
        "response_format": ResponseFormat("text"),
    }
    assert wire(said(**neutral)) == wire(said())


def test_tools_are_offered_under_names_that_every_server_takes() -> None:
    assert wire(said(tools=(PRICE, TRACK)))["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "delivery_price",
                "description": "Цена доставки",
                "parameters": CITY,
                "strict": True,
            },
        },
        {
            "type": "function",
            "function": {"name": "track", "parameters": {"type": "object", "properties": {}}},
        },
    ]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("none", "none"),
        ("auto", "auto"),
        ("required", "required"),
        (
            NamedTool("delivery price"),
            {"type": "function", "function": {"name": "delivery_price"}},
        ),
    ],
)
def test_a_choice_is_passed_on(choice: Any, sent: Any) -> None:
    assert wire(said(tools=(PRICE, TRACK), tool_choice=choice))["tool_choice"] == sent


def test_what_was_not_chosen_is_not_said() -> None:
    sent = wire(said(tools=(TRACK,)))
    assert "tool_choice" not in sent
    assert "parallel_tool_calls" not in sent


@pytest.mark.parametrize("parallel", [True, False])
def test_parallel_calls_are_said_where_there_are_tools(parallel: bool) -> None:
    assert wire(said(tools=(TRACK,), parallel_tool_calls=parallel))["parallel_tool_calls"] is (
        parallel
    )


@pytest.mark.parametrize("choice", ["required", NamedTool("track")])
@pytest.mark.parametrize("tools", [(), (PRICE,)])
def test_a_tool_that_is_not_there_cannot_be_demanded(choice: Any, tools: tuple[Tool, ...]) -> None:
    if choice == "required" and tools:
        assert wire(said(tools=tools, tool_choice=choice))["tool_choice"] == "required"
        return
    with pytest.raises(UnsupportedInput) as caught:
        wire(said(tools=tools, tool_choice=choice))
    assert caught.value.param == "tool_choice"


@pytest.mark.parametrize(
    ("name", "sent"), [("place", "place"), ("", "answer"), ("Место №1", "_______1")]
)
def test_a_schema_is_sent_whole_under_a_name_that_fits(name: str, sent: str) -> None:
    wanted = ResponseFormat("json_schema", schema=CITY, name=name, strict=True)
    assert wire(said(response_format=wanted))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": sent, "schema": CITY, "strict": True},
    }


def test_a_json_object_is_asked_for() -> None:
    sent = wire(said(response_format=ResponseFormat("json_object")))
    assert sent["response_format"] == {"type": "json_object"}


def test_text_that_no_utf8_can_hold_is_refused() -> None:
    with pytest.raises(UnsupportedInput):
        encode_json(wire(said("\ud800")))


def test_russian_is_written_as_it_is() -> None:
    assert "Привет".encode() in encode_json(wire(said("Привет")))
