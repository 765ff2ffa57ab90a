"""ChatRequest -> the body GigaChat is sent."""

from typing import Any

import pytest

from gateway.providers._shared.json_body import encode_json
from gateway.providers._shared.tool_names import tool_names
from gateway.providers.chat_types import ChatRequest, JSONObject, NamedTool, ResponseFormat, Tool
from gateway.providers.errors import UnsupportedInput
from gateway.providers.gigachat.payload import RESERVED_NAMES, completion_payload
from tests.providers.gigachat.upstream import said

CITY: JSONObject = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
PRICE = Tool("delivery-price", "Цена доставки", CITY)
TRACK = Tool("track")


def wire(request: ChatRequest) -> JSONObject:
    names = tool_names(request, reserved=RESERVED_NAMES)
    return completion_payload(request, upstream_id="GigaChat-2", names=names)


def test_a_plain_question_says_the_least():
    assert wire(said("Сколько планет?")) == {
        "model": "GigaChat-2",
        "messages": [{"role": "user", "content": "Сколько планет?"}],
        "stream": False,
    }


def test_every_word_that_gigachat_knows_is_passed_on():
    sent = wire(
        said(
            stream=True,
            temperature=0.7,
            top_p=0.9,
            max_tokens=256,
            repetition_penalty=1.1,
            reasoning_effort="high",
        )
    )
    del sent["messages"], sent["model"]
    assert sent == {
        "stream": True,
        "temperature": 0.7,
        "top_p": 0.9,
        "max_tokens": 256,
        "repetition_penalty": 1.1,
        "reasoning_effort": "high",
    }


@pytest.mark.parametrize("top_p", [None, 0.5])
def test_a_temperature_of_zero_becomes_the_narrowest_nucleus(top_p: float | None):
    sent = wire(said(temperature=0.0, top_p=top_p))
    assert "temperature" not in sent
    assert sent["top_p"] == 0


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("top_k", 40),
        ("min_p", 0.1),
        ("seed", 0),
        ("stop", ("\n",)),
        ("frequency_penalty", 0.5),
        ("presence_penalty", -0.5),
        ("logit_bias", {"5": 1.0}),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("n", 2),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_name(param: str, value: Any):
    with pytest.raises(UnsupportedInput) as caught:
        wire(said(**{param: value}))
    assert caught.value.param == param


def test_data_that_must_not_be_collected_is_not_sent():
    with pytest.raises(UnsupportedInput) as caught:
        wire(said(data_collection="deny"))
    assert caught.value.param == "provider.data_collection"


def test_values_that_ask_for_nothing_are_no_offence():
    neutral: dict[str, Any] = {
        "top_k": 0,
        "stop": (),
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "logit_bias": {},
        "logprobs": False,
        "parallel_tool_calls": False,
        "response_format": ResponseFormat("text"),
    }
    assert wire(said(**neutral)) == wire(said())


def test_tools_become_functions():
    sent = wire(said(tools=(PRICE, TRACK)))
    assert sent["functions"] == [
        {"name": "delivery_price", "description": "Цена доставки", "parameters": CITY},
        {"name": "track", "parameters": {"type": "object", "properties": {}}},
    ]
    assert sent["function_call"] == "auto"
    assert "tools" not in sent


@pytest.mark.parametrize(
    ("choice", "tools", "sent"),
    [
        (None, (PRICE,), "auto"),
        ("auto", (PRICE,), "auto"),
        ("none", (PRICE,), "none"),
        ("required", (PRICE,), {"name": "delivery_price"}),
        ("required", (PRICE, TRACK), "auto"),
        (NamedTool("delivery-price"), (PRICE, TRACK), {"name": "delivery_price"}),
    ],
)
def test_the_choice_of_a_tool_is_said_in_gigachats_words(
    choice: Any, tools: tuple[Tool, ...], sent: Any
):
    assert wire(said(tools=tools, tool_choice=choice))["function_call"] == sent


@pytest.mark.parametrize("choice", [None, "none", "auto"])
def test_without_tools_nothing_is_said_of_functions(choice: Any):
    assert wire(said(tool_choice=choice)) == wire(said())


@pytest.mark.parametrize("choice", ["required", NamedTool("track")])
def test_a_tool_that_is_not_there_cannot_be_demanded(choice: Any):
    with pytest.raises(UnsupportedInput) as caught:
        wire(said(tool_choice=choice))
    assert caught.value.param == "tool_choice"


@pytest.mark.parametrize("parallel", [True, False])
def test_parallel_calls_are_never_an_error(parallel: bool):
    sent = wire(said(tools=(TRACK,), parallel_tool_calls=parallel))
    assert sent == wire(said(tools=(TRACK,)))


def test_a_callers_tool_is_not_taken_for_a_built_in_one():
    (function,) = wire(said(tools=(Tool("text2image"),)))["functions"]
    assert function["name"] != "text2image"


@pytest.mark.parametrize(
    "parameters", [{"type": "string"}, {"$ref": "https://example.com"}, {"properties": 5}]
)
def test_parameters_that_are_no_schema_of_an_object_are_refused(parameters: JSONObject):
    with pytest.raises(UnsupportedInput) as caught:
        wire(said(tools=(TRACK, Tool("f", parameters=parameters))))
    assert caught.value.param == "tools[1].function.parameters"


def test_formats_unknown_to_gigachat_are_left_out():
    properties = {
        "day": {"type": "string", "format": "date"},
        "id": {"type": "string", "format": "uuid"},
    }
    sent = wire(said(tools=(Tool("f", parameters={"properties": properties}),)))
    assert sent["functions"][0]["parameters"]["properties"] == {
        "day": {"type": "string", "format": "date"},
        "id": {"type": "string"},
    }


def test_a_schema_of_the_answer_stands_right_in_the_response_format():
    wanted = ResponseFormat("json_schema", schema=CITY, name="place", strict=True)
    assert wire(said(response_format=wanted))["response_format"] == {
        "type": "json_schema",
        "schema": CITY,
        "strict": True,
    }


def test_json_without_a_schema_is_refused():
    with pytest.raises(UnsupportedInput) as caught:
        wire(said(response_format=ResponseFormat("json_object")))
    assert caught.value.param == "response_format"


def test_text_that_no_utf8_can_hold_is_refused():
    with pytest.raises(UnsupportedInput):
        encode_json(wire(said("\ud800")))


def test_russian_is_written_as_it_is():
    assert "Привет".encode() in encode_json(wire(said("Привет")))
