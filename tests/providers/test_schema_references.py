"""A JSON Schema with its references put in place."""

from typing import Any

import pytest

from gateway.providers._shared.schema_references import (
    SchemaUnfit,
    inline_parameters,
    inline_references,
)


@pytest.mark.parametrize(
    ("schema", "inlined"),
    [
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}], "description": None},
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
        ),
        ({"type": ["object", "null"]}, {"type": ["object", "null"]}),
        ({"type": "object"}, {"type": "object", "properties": {}}),
        (
            {"$defs": {"A/b": {"const": None}}, "items": {"$ref": "#/$defs/A~1b"}, "type": "array"},
            {"items": {"const": None}, "type": "array"},
        ),
        (
            {"definitions": {"a": {"type": "string"}}, "$ref": "#/definitions/a", "title": "T"},
            {"type": "string", "title": "T"},
        ),
        (
            {"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a", "maxLength": 3},
            {"allOf": [{"type": "string"}, {"maxLength": 3}]},
        ),
        (
            {"type": "object", "properties": {"$ref": {"type": "string"}, "enum": {}}},
            {"type": "object", "properties": {"$ref": {"type": "string"}, "enum": {}}},
        ),
        (
            {"enum": [{"$ref": "x"}], "default": {"$ref": "x"}},
            {"enum": [{"$ref": "x"}], "default": {"$ref": "x"}},
        ),
        (
            {
                "type": "object",
                "additionalProperties": False,
                "patternProperties": {"^x": {"type": "object"}},
            },
            {
                "type": "object",
                "additionalProperties": False,
                "patternProperties": {"^x": {"type": "object", "properties": {}}},
                "properties": {},
            },
        ),
    ],
)
def test_a_schema_keeps_all_but_its_references(schema: Any, inlined: Any):
    assert inline_references(schema) == inlined


def test_a_recursion_is_cut_at_its_second_turn():
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}}}
    assert inline_references(tree)["properties"]["left"]["properties"]["left"] == {
        "type": "object",
        "description": "Nested schema",
        "properties": {},
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.org"},
        {"$ref": "#/nowhere"},
        {"properties": [1]},
        {"items": 5},
        {"$ref": "#/a", "a": 5},
    ],
)
def test_what_is_no_schema_is_refused(schema: Any):
    with pytest.raises(SchemaUnfit):
        inline_references(schema)


def test_a_schema_without_end_is_refused():
    parts = {f"d{depth}": {"anyOf": [{"$ref": f"#/$defs/d{depth + 1}"}] * 3} for depth in range(20)}
    with pytest.raises(SchemaUnfit):
        inline_references({"$defs": {**parts, "d20": {}}, "$ref": "#/$defs/d0"})


def test_parameters_are_an_object_also_unsaid():
    assert inline_parameters({}) == {"type": "object", "properties": {}}
    with pytest.raises(SchemaUnfit):
        inline_parameters({"type": "array"})
