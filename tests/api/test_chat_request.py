"""What a chat body may say, and how each wrong field is refused by its name."""

from typing import Any

import pytest

from gateway.api.chat_request import read_order, wants_usage_chunk
from gateway.pipeline.errors import InvalidParameter, RequestRefused, UnsupportedContent
from gateway.pipeline.order import ChatOrder
from gateway.providers.chat_types import Message, NamedTool, ToolCall

HELLO = [{"role": "user", "content": "Привет"}]


def _order(**fields: Any) -> ChatOrder:
    return read_order({"model": "gigachat-pro", "messages": HELLO} | fields, is_strict=False)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"model": "x" * 10_000}, "model"),
        ({"models": ["a"] * 100}, "models"),
        ({"messages": []}, "messages"),
        ({"messages": "Привет"}, "messages"),
        ({"messages": HELLO * 3000}, "messages"),
        ({"messages": None}, "messages"),
        ({"prompt": "и то, и другое"}, "messages"),
        ({"messages": ["Привет"]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant"}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "x"}]}]},
            "messages[0].content[0].type",
        ),
        (
            {"messages": [{"role": "tool", "content": "1", "tool_call_id": "call_1"}]},
            "messages[0].tool_call_id",
        ),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 10**12}, "max_tokens"),
        ({"max_completion_tokens": "many"}, "max_completion_tokens"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 2}, "top_p"),
        ({"n": 1000}, "n"),
        ({"frequency_penalty": 9}, "frequency_penalty"),
        ({"presence_penalty": -9}, "presence_penalty"),
        ({"seed": 2.0**80}, "seed"),
        ({"stop": ["x"] * 1000}, "stop"),
        ({"stop": "x" * 1024}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"logit_bias": {str(token): 1 for token in range(100_000)}}, "logit_bias"),
        ({"logit_bias": {"50256": 500}}, "logit_bias.50256"),
        ({"stream": "maybe"}, "stream"),
        ({"user": "a\r\nSet-Cookie: b"}, "user"),
        ({"user": "x" * 10_000}, "user"),
        ({"metadata": {"a": "b\n"}}, "metadata.a"),
        ({"metadata": "text"}, "metadata"),
        ({"metadata": {"a\r\nX: y": "b"}}, "metadata"),
        ({f"unknown{number}": 1 for number in range(100)}, None),
        ({"x" * 1000: 1}, None),
        ({"tools": [{"type": "function", "function": {"name": "f"}}] * 1000}, "tools"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0].type"),
        (
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {"name": "f", "parameters": {"description": "x" * 200_000}},
                    }
                ]
            },
            "tools[0].function.parameters",
        ),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"provider": {"sort": "beauty"}}, "provider.sort"),
        ({"provider": {"only": 5}}, "provider.only"),
        ({"provider": {"max_price": {"prompt": "cheap"}}}, "provider.max_price.prompt"),
        ({"provider": []}, "provider"),
        ({"route": "scenic"}, "route"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(fields: dict[str, Any], param: str | None) -> None:
    with pytest.raises(RequestRefused) as refusal:
        _order(**fields)

    assert refusal.value.param == param


def test_a_schema_that_is_too_deep_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(40):
        schema = {"properties": {"a": schema}}

    with pytest.raises(InvalidParameter, match="deeper"):
        _order(response_format={"type": "json_schema", "json_schema": {"schema": schema}})


@pytest.mark.parametrize("name", ["stream_options", "usage"])
def test_options_of_a_wrong_type_are_refused(name: str) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        wants_usage_chunk({name: "yes"})

    assert refusal.value.param == name


def test_null_is_the_absence_of_a_field() -> None:
    fields = dict.fromkeys(["temperature", "stop", "tools", "response_format", "stream", "user"])

    assert _order(**fields).request == _order().request


def test_texts_are_read_as_numbers_where_nothing_is_lost() -> None:
    request = _order(max_tokens="100", temperature="0.7", stream="true", n=1.0).request

    assert (request.max_tokens, request.temperature, request.stream, request.n) == (
        100,
        0.7,
        True,
        1,
    )


def test_the_newer_name_of_the_answers_limit_wins() -> None:
    assert _order(max_tokens=5, max_completion_tokens=7).request.max_tokens == 7


def test_developer_is_system_and_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "раз"}, {"type": "text", "text": "два"}]

    request = _order(messages=[{"role": "developer", "content": parts}]).request

    assert request.messages == (Message("system", "раз\nдва"),)


def test_prompt_stands_for_one_message_of_the_user() -> None:
    order = read_order({"model": "m", "prompt": "Привет"}, is_strict=False)

    assert order.request.messages == (Message("user", "Привет"),)


def test_a_tools_result_knows_the_name_of_its_call() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}

    messages = _order(
        messages=[
            *HELLO,
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "ok"},
        ]
    ).request.messages

    assert messages[1].tool_calls == (ToolCall("c1", "f", '{"a":1}'),)
    assert (messages[2].tool_call_id, messages[2].name) == ("c1", "f")


def test_the_deprecated_functions_mean_tools() -> None:
    request = _order(functions=[{"name": "f"}], function_call={"name": "f"}).request

    assert request.tools[0].name == "f"
    assert request.tool_choice == NamedTool("f")


def test_unknown_fields_are_named_and_neutral_ones_are_not() -> None:
    order = _order(api_base="http://evil", store=False, logit_bias=None, verbosity="low")

    assert order.ignored == ("api_base", "verbosity")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.png",
        "file:///etc/passwd",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:,x",
    ],
)
def test_a_picture_that_is_no_plain_data_url_is_refused(url: str) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}

    with pytest.raises(UnsupportedContent) as refusal:
        _order(messages=[{"role": "user", "content": [part]}])

    assert refusal.value.param == "messages[0].content[0].image_url.url"
