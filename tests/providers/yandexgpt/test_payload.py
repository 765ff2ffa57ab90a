"""A request is said in Yandex's words, or refused: nothing of it is lost."""

import json
from typing import Any, Literal

import pytest

from gateway.providers._shared.json_body import encode_json
from gateway.providers._shared.tool_names import tool_names
from gateway.providers.chat_types import (
    ChatRequest,
    Image,
    Message,
    NamedTool,
    ResponseFormat,
    Tool,
    ToolCall,
)
from gateway.providers.errors import UnsupportedInput
from gateway.providers.yandexgpt.payload import completion_payload
from tests.providers.yandexgpt.wire import asking

SCHEMA = {"type": "object", "properties": {"stop": {"type": "string"}}, "required": ["stop"]}
TRAM = Tool("tram_times", "Когда трамвай", SCHEMA, strict=True)
BUS = Tool("bus_times")
CALLS = (
    ToolCall("call-a", "tram_times", '{"stop": "Вокзал"}'),
    ToolCall("call-b", "bus_times", "{}"),
)


def said(request: ChatRequest) -> Any:
    payload = completion_payload(
        request, folder_id="b1g", upstream_id="yandexgpt/latest", names=tool_names(request)
    )
    return json.loads(encode_json(payload))


def refused(request: ChatRequest) -> str:
    with pytest.raises(UnsupportedInput) as raised:
        said(request)
    return raised.value.param


def test_a_plain_request_says_what_was_asked_and_no_more() -> None:
    assert said(asking("Столица?")) == {
        "modelUri": "gpt://b1g/yandexgpt/latest",
        "completionOptions": {"stream": False},
        "messages": [{"role": "user", "text": "Столица?"}],
    }


def test_options_are_said() -> None:
    request = asking(stream=True, temperature=0.0, max_tokens=500, reasoning_effort="low")
    assert said(request)["completionOptions"] == {
        "stream": True,
        "temperature": 0.0,
        "maxTokens": "500",
        "reasoningOptions": {"mode": "ENABLED_HIDDEN"},
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("top_p", 0.5),
        ("top_k", 40),
        ("min_p", 0.1),
        ("seed", 0),
        ("stop", ("\n",)),
        ("frequency_penalty", 0.5),
        ("presence_penalty", -1.0),
        ("repetition_penalty", 1.1),
        ("logit_bias", {"42": 1.0}),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("n", 2),
        ("temperature", 1.5),
        ("temperature", -0.1),
        ("max_tokens", 0),
    ],
)
def test_a_parameter_without_a_word_for_it_is_refused(field: str, value: Any) -> None:
    assert refused(asking(**{field: value})) == field


def test_a_parameter_at_its_neutral_value_needs_no_word() -> None:
    neutral = asking(top_p=1.0, stop=(), presence_penalty=0.0, logit_bias={}, logprobs=False, n=1)
    assert said(neutral) == said(asking())


def test_system_messages_become_one_at_the_front() -> None:
    messages = (
        Message("system", "Кратко."),
        Message("user", "Раз"),
        Message("system", "По-русски."),
        Message("user", "Два"),
    )
    assert said(asking(messages=messages))["messages"] == [
        {"role": "system", "text": "Кратко.\n\nПо-русски."},
        {"role": "user", "text": "Раз"},
        {"role": "user", "text": "Два"},
    ]


def test_a_conversation_of_blanks_is_refused() -> None:
    assert refused(asking(messages=(Message("user", " "), Message("system", "")))) == "messages"


def test_an_image_is_refused_with_its_place() -> None:
    picture = Message("user", "Что это?", images=(Image(b"png", "image/png"),))
    assert refused(asking(messages=(Message("user", "А"), picture))) == "messages[1].content"


def test_tools_are_said_with_their_schemas_as_they_came() -> None:
    payload = said(asking(tools=(TRAM, BUS), parallel_tool_calls=False))
    assert [tool["function"] for tool in payload["tools"]] == [
        {
            "name": "tram_times",
            "description": "Когда трамвай",
            "parameters": SCHEMA,
            "strict": True,
        },
        {"name": "bus_times", "parameters": {"type": "object", "properties": {}}},
    ]
    assert payload["parallelToolCalls"] is False
    assert "toolChoice" not in payload


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        ("none", {"mode": "NONE"}),
        ("auto", {"mode": "AUTO"}),
        ("required", {"mode": "REQUIRED"}),
        (NamedTool("bus_times"), {"functionName": "bus_times"}),
    ],
)
def test_a_tool_choice_is_an_object(choice: Any, wire: Any) -> None:
    assert said(asking(tools=(TRAM, BUS), tool_choice=choice))["toolChoice"] == wire


def test_a_choice_that_cannot_be_made_is_refused() -> None:
    assert refused(asking(tools=(TRAM,), tool_choice=NamedTool("other"))) == "tool_choice"
    assert refused(asking(tool_choice="required")) == "tool_choice"


def test_a_choice_among_no_tools_needs_no_word() -> None:
    assert said(asking(tool_choice="auto", parallel_tool_calls=True)) == said(asking())


def test_a_tool_bears_one_name_in_all_places() -> None:
    odd = Tool("времена.трамвая")
    messages = (
        Message("user", "Когда?"),
        Message("assistant", tool_calls=(ToolCall("call-a", odd.name, "{}"),)),
        Message("tool", "12:05", tool_call_id="call-a"),
    )
    payload = said(asking(messages=messages, tools=(odd,), tool_choice=NamedTool(odd.name)))
    name = payload["toolChoice"]["functionName"]
    assert name.isascii()
    assert payload["tools"][0]["function"]["name"] == name
    calls = payload["messages"][1]["toolCallList"]["toolCalls"]
    assert calls[0]["functionCall"]["name"] == name
    results = payload["messages"][2]["toolResultList"]["toolResults"]
    assert results[0]["functionResult"]["name"] == name


def test_text_beside_calls_becomes_a_turn_before_them() -> None:
    messages = (Message("user", "Когда?"), Message("assistant", "Смотрю.", tool_calls=CALLS))
    assert said(asking(messages=messages))["messages"][1:] == [
        {"role": "assistant", "text": "Смотрю."},
        {
            "role": "assistant",
            "toolCallList": {
                "toolCalls": [
                    {"functionCall": {"name": "tram_times", "arguments": {"stop": "Вокзал"}}},
                    {"functionCall": {"name": "bus_times", "arguments": {}}},
                ]
            },
        },
        {
            "role": "user",
            "toolResultList": {
                "toolResults": [
                    {"functionResult": {"name": "tram_times", "content": "cancelled"}},
                    {"functionResult": {"name": "bus_times", "content": "cancelled"}},
                ]
            },
        },
    ]


def results_of(*messages: Message) -> list[tuple[str, str]]:
    turn = (Message("user", "Когда?"), Message("assistant", tool_calls=CALLS), *messages)
    wire = said(asking(messages=turn))["messages"]
    entries = [
        toolresult["functionResult"] for toolresult in wire[2]["toolResultList"]["toolResults"]
    ]
    return [(entry["name"], entry["content"]) for entry in entries]


def test_results_stand_in_the_order_of_their_calls() -> None:
    answered = results_of(
        Message("tool", "12:20", tool_call_id="call-b"),
        Message("tool", "12:05", tool_call_id="call-a"),
    )
    assert answered == [("tram_times", "12:05"), ("bus_times", "12:20")]


def test_blank_and_system_turns_do_not_part_results() -> None:
    turn = (
        Message("user", "Когда?"),
        Message("assistant", tool_calls=CALLS),
        Message("tool", "12:05", tool_call_id="call-a"),
        Message("user", ""),
        Message("system", "Кратко."),
        Message("tool", "12:20", tool_call_id="call-b"),
    )
    wire = said(asking(messages=turn))["messages"]
    assert [message["role"] for message in wire] == ["system", "user", "assistant", "user"]
    assert len(wire[3]["toolResultList"]["toolResults"]) == 2


def test_an_empty_result_is_a_result() -> None:
    assert results_of(Message("tool", "", tool_call_id="call-a"))[0] == ("tram_times", "")


def test_a_result_without_an_id_is_matched_by_its_name() -> None:
    answered = results_of(Message("tool", "да", name="bus_times"))
    assert answered == [("tram_times", "cancelled"), ("bus_times", "да")]


def test_an_id_used_again_means_the_later_call() -> None:
    messages = (
        Message("user", "Когда?"),
        Message("assistant", tool_calls=(ToolCall("call", "tram_times", "{}"),)),
        Message("tool", "12:05", tool_call_id="call"),
        Message("assistant", tool_calls=(ToolCall("call", "bus_times", "{}"),)),
        Message("tool", "12:20", tool_call_id="call"),
    )
    wire = said(asking(messages=messages))["messages"]
    assert wire[-1]["toolResultList"]["toolResults"] == [
        {"functionResult": {"name": "bus_times", "content": "12:20"}}
    ]


def test_a_result_of_no_call_is_told_by_the_user() -> None:
    messages = (Message("user", "А"), Message("tool", "12:05", tool_call_id="call-x"))
    assert said(asking(messages=messages))["messages"][1] == {
        "role": "user",
        "text": "Result of a tool:\n12:05",
    }


@pytest.mark.parametrize("arguments", ["", " "])
def test_blank_arguments_are_none(arguments: str) -> None:
    calls = (ToolCall("call-a", "tram_times", arguments),)
    wire = said(asking(messages=(Message("user", "А"), Message("assistant", tool_calls=calls))))
    (call,) = wire["messages"][1]["toolCallList"]["toolCalls"]
    assert call["functionCall"] == {"name": "tram_times", "arguments": {}}


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [("{", {"arguments": "{"}), ("[]", {}), ("null", {}), ("5", {"arguments": 5})],
)
def test_arguments_that_are_no_object_are_put_in_one(arguments: str, sent: Any) -> None:
    calls = (ToolCall("call-a", "tram_times", "{}"), ToolCall("call-b", "bus_times", arguments))
    messages = (Message("user", "А"), Message("assistant", tool_calls=calls))
    wire = said(asking(messages=messages))["messages"]
    assert wire[1]["toolCallList"]["toolCalls"][1]["functionCall"]["arguments"] == sent


def test_json_formats_are_said() -> None:
    as_object = asking("Дай JSON", response_format=ResponseFormat("json_object"))
    assert said(as_object)["jsonObject"] is True
    by_schema = asking("Дай JSON", response_format=ResponseFormat("json_schema", schema=SCHEMA))
    assert said(by_schema)["jsonSchema"] == {"schema": SCHEMA}
    assert "jsonObject" not in said(by_schema)
    assert said(asking("А", response_format=ResponseFormat("text"))) == said(asking("А"))


@pytest.mark.parametrize("wanted", ["json_object", "json_schema"])
def test_beside_tools_json_is_asked_for_in_words_alone(
    wanted: Literal["json_object", "json_schema"],
) -> None:
    schema = SCHEMA if wanted == "json_schema" else None
    wire = said(
        asking(
            "Дай JSON", tools=(Tool("now"),), response_format=ResponseFormat(wanted, schema=schema)
        )
    )

    assert not {"jsonObject", "jsonSchema"} & wire.keys()
    [words] = [message["text"] for message in wire["messages"] if message["role"] == "system"]
    assert words.startswith("Если не вызываешь функцию")
    assert ("JSON Schema" in words) == (wanted == "json_schema")


def test_tools_that_may_not_be_called_leave_json_native() -> None:
    wire = said(
        asking(
            "Дай JSON",
            tools=(Tool("now"),),
            tool_choice="none",
            response_format=ResponseFormat("json_object"),
        )
    )

    assert wire["jsonObject"] is True
    assert [message["role"] for message in wire["messages"]] == ["user"]


def test_what_no_json_can_bear_is_refused() -> None:
    nested: dict[str, Any] = {}
    for _ in range(400):
        nested = {"properties": nested}
    assert refused(asking(tools=(Tool("deep", "", nested),))) == "messages"
    assert refused(asking("\ud800")) == "messages"
