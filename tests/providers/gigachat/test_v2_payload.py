"""ChatRequest -> the body of the second chat form."""

from typing import Any

import pytest

from gateway.providers._shared.json_body import encode_json
from gateway.providers._shared.tool_names import tool_names
from gateway.providers.chat_types import (
    ChatRequest,
    JSONObject,
    Message,
    NamedTool,
    ResponseFormat,
    Tool,
    ToolCall,
)
from gateway.providers.errors import UnsupportedInput
from gateway.providers.gigachat.v2_call_ids import CallReference, write_call_id
from gateway.providers.gigachat.v2_payload import NAME_SIGNS, completion_payload

STATE = "019e8373-dc9a-7883-af60-ebb20b79e1e1"
FIRST, SECOND = "9bb6c3b5-2b43-4f20-9d7e-3d4f5a6b7c8d", "51c0d1e2-f3a4-4b5c-8d6e-7f8091a2b3c4"
TOOL = Tool("tram", "Трамвай", {"type": "object", "properties": {"stop": {"type": "string"}}})


def payload(*messages: Message, **fields: Any) -> JSONObject:
    request = ChatRequest(messages or (Message("user", "Привет"),), **fields)
    names = tool_names(request, signs=NAME_SIGNS)
    return completion_payload(request, upstream_id="GigaChat-3-Ultra", names=names)


def wire_id(own: str | None, state: str | None = STATE) -> str:
    return write_call_id(CallReference(own, state), "0123456789ab")


def test_long_numbers_of_calls_and_results_keep_their_digits():
    account = '{"account":40817810099910004312}'
    called = Message("assistant", tool_calls=(ToolCall("c1", "pay", account),))
    wire = encode_json(payload(called, Message("tool", account, tool_call_id="c1", name="pay")))
    assert wire.count(account.encode()) == 2


def test_a_plain_request_is_parts_and_nothing_else():
    assert payload() == {
        "model": "GigaChat-3-Ultra",
        "messages": [{"role": "user", "content": [{"text": "Привет"}]}],
        "stream": False,
    }


def test_system_messages_are_one_and_the_first():
    wire = payload(Message("user", "?"), Message("system", "А"), Message("system", "Б"))
    assert wire["messages"][0] == {"role": "system", "content": [{"text": "А\n\nБ"}]}


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"temperature": 0.4, "top_p": 0.9}, {"temperature": 0.4, "top_p": 0.9}),
        ({"temperature": 0.0, "top_p": 0.9}, {"top_p": 0}),
        (
            {"max_tokens": 9, "repetition_penalty": 1.1},
            {"max_tokens": 9, "repetition_penalty": 1.1},
        ),
        ({"reasoning_effort": "high"}, {"reasoning": {"effort": "high"}}),
        ({"logprobs": True}, {"top_logprobs": 1}),
        ({"logprobs": True, "top_logprobs": 20}, {"top_logprobs": 5}),
        (
            {"response_format": ResponseFormat("json_object")},
            {"response_format": {"type": "json_schema", "schema": {"type": "object"}}},
        ),
    ],
)
def test_sampling_stands_among_the_model_options(fields: dict[str, Any], options: JSONObject):
    wire = payload(**fields)
    assert wire["model_options"] == options
    assert set(wire) == {"model", "messages", "stream", "model_options"}


@pytest.mark.parametrize("required", [["n"], []])
def test_a_strict_schema_says_so_where_it_names_what_is_required(required: list[str]):
    schema = {
        "$defs": {"N": {"type": "integer"}},
        "type": "object",
        "properties": {"n": {"$ref": "#/$defs/N"}},
        "required": required,
    }
    wanted = ResponseFormat("json_schema", schema, "n", strict=True)
    form = payload(response_format=wanted)["model_options"]["response_format"]
    assert form["schema"] == {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": required,
    }
    assert form.get("strict", False) is bool(required)


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (None, {"mode": "auto"}),
        ("auto", {"mode": "auto"}),
        ("none", {"mode": "none"}),
        ("required", {"mode": "any"}),
        (NamedTool("tram"), {"mode": "forced", "function_name": "tram"}),
    ],
)
def test_a_tool_choice_is_a_mode(choice: Any, config: JSONObject):
    wire = payload(tools=(TOOL,), tool_choice=choice)
    assert wire["tool_config"] == config
    assert wire["tools"] == [
        {
            "functions": {
                "specifications": [
                    {"name": "tram", "description": "Трамвай", "parameters": TOOL.parameters}
                ]
            }
        }
    ]


@pytest.mark.parametrize(("wanted", "sent"), [(None, True), (True, True), (False, False)])
def test_several_calls_are_allowed_unless_the_caller_forbids_them(wanted: Any, sent: bool):
    wire = payload(tools=(TOOL,), parallel_tool_calls=wanted)
    assert wire["model_options"] == {"parallel_tool_calls": sent}


def test_names_keep_their_hyphens_and_dots_and_lose_what_the_provider_refuses():
    tools = (Tool("a.b-c"), Tool("1st"), Tool("погода"))
    [tool] = payload(tools=tools)["tools"]
    names = [item["name"] for item in tool["functions"]["specifications"]]
    assert names == ["a.b-c", "_1st", "______"]
    assert all(
        item["parameters"] == {"type": "object", "properties": {}}
        for item in tool["functions"]["specifications"]
    )


def test_calls_of_one_turn_and_their_results_keep_ids_and_state():
    calls = (
        ToolCall(wire_id(FIRST), "tram", '{"stop": "Вокзал"}'),
        ToolCall(wire_id(SECOND), "tram", '{"stop": "Рынок"}'),
    )
    wire = payload(
        Message("assistant", "Смотрю.", tool_calls=calls),
        Message("tool", "[4]", tool_call_id=wire_id(SECOND)),
        Message("tool", '{"in_min": 9}', tool_call_id=wire_id(FIRST)),
        tools=(TOOL,),
    )["messages"]
    assert wire == [
        {
            "role": "assistant",
            "content": [
                {"text": "Смотрю."},
                {"function_call": {"id": FIRST, "name": "tram", "arguments": {"stop": "Вокзал"}}},
                {"function_call": {"id": SECOND, "name": "tram", "arguments": {"stop": "Рынок"}}},
            ],
            "tools_state_id": STATE,
        },
        {
            "role": "tool",
            "content": [
                {"function_result": {"id": FIRST, "name": "tram", "result": {"in_min": 9}}},
                {"function_result": {"id": SECOND, "name": "tram", "result": {"result": [4]}}},
            ],
            "tools_state_id": STATE,
        },
    ]


def test_a_call_that_the_provider_gave_no_id_goes_back_without_one():
    call = ToolCall(wire_id(None), "tram", "{}")
    turn, result = payload(
        Message("assistant", tool_calls=(call,)), Message("tool", "ok", tool_call_id=call.id)
    )["messages"]
    assert turn["content"] == [{"function_call": {"name": "tram", "arguments": {}}}]
    assert result["content"] == [{"function_result": {"name": "tram", "result": {"result": "ok"}}}]
    assert turn["tools_state_id"] == result["tools_state_id"] == STATE


def test_a_call_of_another_provider_keeps_its_id_and_has_no_state():
    call = ToolCall("call_abc", "tram", "not json")
    turn, result = payload(Message("assistant", tool_calls=(call,)))["messages"]
    assert turn == {
        "role": "assistant",
        "content": [
            {
                "function_call": {
                    "id": "call_abc",
                    "name": "tram",
                    "arguments": {"arguments": "not json"},
                }
            }
        ],
    }
    assert result["content"][0]["function_result"]["result"] == {"result": "cancelled"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"seed": 7}, "seed"),
        ({"data_collection": "deny"}, "provider.data_collection"),
        (
            {"tools": (Tool("f", parameters={"$ref": "#/nowhere"}),)},
            "tools[0].function.parameters",
        ),
        (
            {"response_format": ResponseFormat("json_schema", {"$ref": "file:x"})},
            "response_format.json_schema.schema",
        ),
    ],
)
def test_what_has_no_place_is_refused_by_its_field(fields: dict[str, Any], param: str):
    with pytest.raises(UnsupportedInput) as refused:
        payload(**fields)
    assert refused.value.param == param
