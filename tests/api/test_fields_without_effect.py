"""What another field leaves without effect is named; what says the same twice is not."""

from typing import Any

import pytest

from gateway.api.schema.anthropic_request import read_messages_request
from gateway.api.schema.responses_request import read_responses_request
from tests.api.messages_bodies import HELLO, SERVER_TOOL
from tests.api.responses_bodies import PATCH, SEARCH, TOOL
from tests.api.test_chat_request import _order

NAMED_F = {"type": "function", "function": {"name": "f"}}
LOOKS_AHEAD = {
    "type": "object",
    "properties": {"code": {"pattern": "^(?!0)[0-9]+$"}, "year": {"pattern": "^[0-9]{4}$"}},
}
F_AND_G = {"tools": [NAMED_F], "functions": [{"name": "g"}]}


@pytest.mark.parametrize(
    ("fields", "ignored"),
    [
        ({"max_tokens": 5, "max_completion_tokens": 7}, "max_tokens"),
        ({"reasoning_effort": "low", "reasoning": {"effort": "high"}}, "reasoning.effort"),
        ({"reasoning_effort": "low", "reasoning": {"enabled": False}}, "reasoning.enabled"),
        ({"reasoning": {"effort": "none", "enabled": True}}, "reasoning.enabled"),
        (F_AND_G, "functions"),
        ({"tools": [], "functions": [{"name": "g"}]}, "functions"),
        ({"tools": [NAMED_F], "tool_choice": "auto", "function_call": "none"}, "function_call"),
        (
            {"tools": [NAMED_F], "tool_choice": NAMED_F, "function_call": {"name": "g"}},
            "function_call",
        ),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tools": [], "tool_choice": "none"}, "tool_choice"),
        ({"function_call": "auto"}, "function_call"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"functions": [{"name": "f"}], "parallel_tool_calls": True}, "parallel_tool_calls"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": False, "stream_options": {}}, "stream_options"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": LOOKS_AHEAD},
                }
            },
            "response_format.json_schema.schema.properties.code.pattern",
        ),
    ],
)
def test_what_another_field_leaves_without_effect_is_named(
    fields: dict[str, Any], ignored: str
) -> None:
    assert _order(**fields).ignored == (ignored,)


@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": 5, "max_completion_tokens": 5},
        {"max_tokens": 5, "max_completion_tokens": None},
        {"reasoning_effort": "low", "reasoning": {"effort": "low", "enabled": True}},
        {"reasoning_effort": "none", "reasoning": {"enabled": False}},
        {"tools": [NAMED_F], "functions": [{"name": "f"}], "function_call": "auto"},
        {"tools": [NAMED_F], "functions": [], "parallel_tool_calls": False},
        {"tools": [NAMED_F], "tool_choice": NAMED_F, "function_call": {"name": "f"}},
        {"functions": [{"name": "f"}], "function_call": "none", "parallel_tool_calls": False},
        {"functions": [{"name": "f"}], "tool_choice": "auto", "tools": None},
        {"tool_choice": None, "parallel_tool_calls": None, "stream_options": None},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"stream": True, "stream_options": {"include_obfuscation": False}},
        {"usage": {"include": True}},
    ],
)
def test_what_says_the_same_twice_or_has_its_effect_is_not_named(fields: dict[str, Any]) -> None:
    assert _order(**fields).ignored == ()


@pytest.mark.parametrize(
    ("fields", "ignored"),
    [
        ({"tool_choice": "auto"}, ("tool_choice",)),
        ({"tools": [], "parallel_tool_calls": False}, ("parallel_tool_calls",)),
        (
            {"tools": [SEARCH], "tool_choice": "auto", "parallel_tool_calls": True},
            ("tools[0]", "tool_choice", "parallel_tool_calls"),
        ),
        (
            {"tools": [PATCH | {"parameters": {"type": "object"}, "strict": True}]},
            ("tools[0].parameters", "tools[0].strict"),
        ),
        ({"tools": [TOOL | {"format": {"type": "text"}}]}, ("tools[0].format",)),
        (
            {
                "text": {
                    "format": {"type": "json_object", "name": "a", "schema": {}, "strict": True}
                }
            },
            ("text.format.name", "text.format.schema", "text.format.strict"),
        ),
        ({"text": {"format": {"type": "text", "strict": False}}}, ()),
        ({"tools": [TOOL | {"strict": None}], "tool_choice": "none"}, ()),
        ({"tools": [PATCH], "tool_choice": "auto", "parallel_tool_calls": True}, ()),
    ],
)
def test_so_it_is_in_responses(fields: dict[str, Any], ignored: tuple[str, ...]) -> None:
    body = {"model": "gigachat-2", "input": "Привет"} | fields

    assert read_responses_request(body, is_strict=False).order.ignored == ignored


@pytest.mark.parametrize(
    ("fields", "ignored"),
    [
        ({"tool_choice": {"type": "auto"}}, ("tool_choice",)),
        (
            {"tools": [SERVER_TOOL], "tool_choice": {"type": "auto"}},
            ("tools[0]", "tool_choice"),
        ),
        (
            {
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "output_config": {"effort": "max"},
            },
            ("thinking.budget_tokens",),
        ),
        (
            {"thinking": {"type": "disabled", "budget_tokens": 1024}},
            ("thinking.budget_tokens",),
        ),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, ()),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, ()),
        (
            {
                "tools": [SERVER_TOOL, {"name": "f", "input_schema": {"type": "object"}}],
                "tool_choice": {"type": "any"},
            },
            ("tools[0]",),
        ),
    ],
)
def test_so_it_is_in_messages(fields: dict[str, Any], ignored: tuple[str, ...]) -> None:
    body = {"model": "gigachat-2", "max_tokens": 10, "messages": HELLO} | fields

    assert read_messages_request(body, is_strict=False)[0].ignored == ignored
