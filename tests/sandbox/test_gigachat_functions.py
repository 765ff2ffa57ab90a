"""How GigaChat refuses wrong functions and answer formats: one failing request per rule."""

from typing import Any

import pytest

from tests.sandbox.callers import GigaChatCaller
from tests.sandbox.gigachat_bodies import (
    OBJECT,
    SCHEMA,
    assert_invalid,
    chat_body,
    function,
    response_format,
    with_parameters,
)

FUNCTIONS: dict[str, dict[str, Any]] = {
    "not a list": {"functions": {"name": "price"}},
    "in the form of tools": {"functions": [{"type": "function", "function": {"name": "price"}}]},
    "without a name": function(name=None),
    "name with a space": function(name="get price"),
    "name in Cyrillic": function(name="цена"),
    "name that starts with a digit": function(name="1price"),
    "two of one name": {"functions": [*function()["functions"], *function()["functions"]]},
    "description not text": function(description=1),
    "without parameters": function(parameters=None),
    "parameters not an object": function(parameters=[]),
    "strict": function(strict=True),
    "object without properties": function(parameters={"type": "object"}),
    "nested object without properties": with_parameters(a={"type": "object"}),
    "object without properties in a list": with_parameters(
        a={"type": "array", "items": {"type": "object"}}
    ),
    "object without properties in return_parameters": function(
        return_parameters={"type": "object"}
    ),
    "$ref": with_parameters(a={"$ref": "#/$defs/City"}),
    "$defs": function(parameters={**OBJECT, "$defs": {}}),
    "anyOf": with_parameters(a={"anyOf": [{"type": "string"}]}),
    "oneOf": with_parameters(a={"oneOf": [{"type": "string"}]}),
    "allOf": with_parameters(a={"allOf": [{"type": "string"}]}),
    "list of types": with_parameters(a={"type": ["string", "null"]}),
    "example without a request": function(few_shot_examples=[{"params": {}}]),
    "example with params as text": function(few_shot_examples=[{"request": "?", "params": "{}"}]),
    "call required": {**function(), "function_call": "required"},
    "call in the form of tools": {
        **function(), "function_call": {"type": "function", "function": {"name": "price"}},
    },
    "call of an unknown function": {**function(), "function_call": {"name": "other"}},
    "call of a function, none given": {"function_call": {"name": "price"}},
    "partial_arguments as text": {
        **function(), "function_call": {"name": "price", "partial_arguments": "{}"},
    },
    "model without functions": {**function(), "model": "GigaChat-Plus"},
}  # fmt: skip

RESPONSE_FORMATS: dict[str, dict[str, Any]] = {
    "text instead of an object": {"response_format": "json"},
    "no type": response_format(schema=SCHEMA),
    "unknown type": response_format(type="xml"),
    "json_object": response_format(type="json_object"),
    "nested as elsewhere": response_format(
        type="json_schema", json_schema={"name": "n", "schema": SCHEMA}
    ),
    "with a name": response_format(type="json_schema", schema=SCHEMA, name="n"),
    "without a schema": response_format(type="json_schema"),
    "schema as text": response_format(type="json_schema", schema="{}"),
    "strict as text": response_format(type="json_schema", schema=SCHEMA, strict="yes"),
    "type text with more": response_format(type="text", strict=True),
    "regex without one": response_format(type="regex"),
    "regex that is broken": response_format(type="regex", regex="("),
    "a first-generation model": {
        **response_format(type="json_schema", schema=SCHEMA), "model": "GigaChat-Pro",
    },
}  # fmt: skip


@pytest.mark.parametrize("change", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_wrong_functions_are_refused(gigachat: GigaChatCaller, change: dict[str, Any]) -> None:
    assert_invalid(gigachat, chat_body(**change))


def test_a_model_without_functions_says_so(gigachat: GigaChatCaller) -> None:
    assert_invalid(
        gigachat,
        chat_body(**function(), model="GigaChat-Plus"),
        "Requested model does not support functions",
    )


@pytest.mark.parametrize("change", RESPONSE_FORMATS.values(), ids=RESPONSE_FORMATS.keys())
def test_a_wrong_response_format_is_refused(
    gigachat: GigaChatCaller, change: dict[str, Any]
) -> None:
    assert_invalid(gigachat, chat_body(**change))
