"""A schema that nothing can satisfy is refused, and no other."""

from typing import Any

import pytest

from gateway.pipeline.emulation.schema_validation import check_satisfiable, check_schema
from gateway.pipeline.errors import InvalidParameter

STRING, NUMBER = {"type": "string"}, {"type": "number"}
CHAIN = {"type": "object", "properties": {"next": {"$ref": "#"}}}


def _with(**member: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": member}, "required": ["a"]}


@pytest.mark.parametrize(
    "schema",
    [
        {"not": {}},
        {"not": {"description": "anything"}},
        {"if": {}, "then": False},
        {"if": {"title": "always"}, "then": {"not": {}}, "else": {}},
        {"if": False, "else": False},
        {"if": True, "then": {"type": "number"}, "type": "string"},
        {"oneOf": [{}, {}]},
        {"oneOf": [True, {"description": "anything"}]},
        {"oneOf": [STRING, STRING]},
        {"oneOf": [STRING, STRING, NUMBER], "type": "string"},
        {"enum": ["a", "b"], "pattern": "^[0-9]$"},
        {"type": "object", "required": ["x_a"], "patternProperties": {"^x_": False}},
        {"type": "object", "required": ["b"], "patternProperties": {"^a$": {}}}
        | {"additionalProperties": False},
        {"type": "object", "required": ["b"], "propertyNames": {"pattern": "^a"}},
        {"type": "object", "not": {"type": "object"}},
        {"enum": []},
        {"const": 1, "type": "string"},
        {"enum": ["a", "b"], "maxLength": 0},
        {"const": 1, "enum": [2]},
        {"allOf": [STRING, NUMBER]},
        {"allOf": [{"minimum": 3}, {"maximum": 2}], "type": "integer"},
        {**NUMBER, "minimum": 3, "maximum": 2},
        {**NUMBER, "minimum": 3, "exclusiveMaximum": 3},
        {"type": "integer", "minimum": 1.1, "maximum": 1.9},
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
        {**NUMBER, "minimum": 1, "maximum": 4, "multipleOf": 5},
        {**STRING, "minLength": 2, "maxLength": 1},
        {"type": "array", "minItems": 2, "maxItems": 1},
        {"type": "array", "items": False, "minItems": 1},
        {"type": "array", "prefixItems": [True, False], "minItems": 2},
        {"type": "array", "contains": False},
        {"type": "array", "contains": {}, "maxItems": 0},
        {"type": "array", "contains": {}, "minContains": 3, "maxContains": 2},
        {"type": "object", "minProperties": 2, "maxProperties": 1},
        {"type": "object", "required": ["a", "b"], "maxProperties": 1},
        {"type": "object", "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {"a": False}, "required": ["a"]},
        {"type": "object", "additionalProperties": False, "minProperties": 1},
        {"type": "object", "required": ["long"], "propertyNames": {"maxLength": 2}},
        _with(**{"not": {}}),
        _with(enum=[]),
        _with(**_with(minimum=3, maximum=2, type="integer")),
        {"anyOf": [False, {"enum": []}]},
        {"oneOf": [{**STRING, "minLength": 1}, NUMBER], "maxLength": 0, "type": "string"},
        {"$ref": "#/$defs/no", "$defs": {"no": {"not": {}}}},
        {**CHAIN, "required": ["next"]},
        {"type": ["string", "integer"], "minLength": 2, "maxLength": 1, "minimum": 2, "maximum": 1},
    ],
)
def test_a_schema_that_nothing_satisfies_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        check_satisfiable(schema, "response_format.json_schema.schema")
    assert refusal.value.param == "response_format.json_schema.schema"
    assert "nothing can satisfy" in str(refusal.value)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        CHAIN,
        {"$defs": {"a": {"not": {}}}},
        {"properties": {"a": False}},
        {"type": ["string", "null"], "minLength": 2, "maxLength": 1},
        {"minimum": 3, "maximum": 2},
        {**NUMBER, "minimum": 0.3, "maximum": 0.3, "multipleOf": 0.1},
        {**NUMBER, "minimum": 3, "maximum": 3},
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 3},
        {"const": None},
        {"enum": [1, "a"], "type": "string"},
        {"type": "array", "items": False},
        {"type": "array", "prefixItems": [{}, False], "minItems": 1},
        {"type": "object", "required": ["a"], "patternProperties": {"^a$": {}}}
        | {"additionalProperties": False},
        {"anyOf": [False, {}]},
        {"if": {}, "then": STRING},
        {"if": {}, "else": False},
        {"if": False, "then": False},
        {"if": STRING, "then": False},
        {"oneOf": [{}, False]},
        {"oneOf": [{"const": 1}, {"const": True}]},
        {"oneOf": [STRING, STRING, NUMBER]},
        {"oneOf": [{"pattern": "^a"}, {"pattern": "^b"}]},
        {**STRING, "not": {"pattern": "^a"}},
        {**STRING, "not": {"pattern": "^(?!a)"}},
        {"enum": ["a", "1"], "pattern": "^[0-9]$"},
        {"type": "object", "minProperties": 1, "patternProperties": {"^a$": {}}}
        | {"additionalProperties": False},
        {"anyOf": [{"type": "string"}, {"$ref": "#"}]},
        {"type": "object", "required": ["next", "n"]}
        | {"properties": {"n": NUMBER, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}},
        {"type": "object", "required": ["items"]}
        | {"properties": {"items": {"type": "array", "items": {"$ref": "#"}}}},
        {"not": {"type": "string"}},
        {"allOf": [{"anyOf": [STRING, NUMBER]}, {"anyOf": [NUMBER, {"type": "null"}]}]},
        _with(type="string", enum=["да", "нет"]),
    ],
)
def test_a_schema_that_something_satisfies_is_not(schema: dict[str, Any]) -> None:
    check_satisfiable(schema, "response_format.json_schema.schema")


def test_a_search_ends() -> None:
    choices = [{"properties": {f"p{n}": {"$ref": "#"}}, "required": [f"p{n}"]} for n in range(40)]
    schema = {"type": "object", "allOf": [{"anyOf": choices}, {"anyOf": choices[::-1]}]}
    check_schema(schema, "response_format.json_schema.schema")
    check_satisfiable(schema, "response_format.json_schema.schema")
