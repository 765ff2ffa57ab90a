"""A caller's schema is read as one of draft 2020-12, whatever draft it was written in."""

from typing import Any

import pytest

from gateway.api.schema.schema_draft import in_present_draft

REWRITTEN: dict[str, tuple[Any, Any]] = {
    "a flag beside a bound": (
        {"minimum": 0, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False},
        {"exclusiveMinimum": 0, "maximum": 9},
    ),
    "a flag alone": ({"exclusiveMinimum": True}, {}),
    "a tuple": (
        {"items": [{"type": "string"}], "additionalItems": False},
        {"prefixItems": [{"type": "string"}], "items": False},
    ),
    "a tuple of nothing": ({"items": [], "additionalItems": {}}, {}),
    "names that stand twice": (
        {"required": ["a", "a"], "type": ["null", "null"], "dependentRequired": {"a": ["b", "b"]}},
        {"required": ["a"], "type": ["null"], "dependentRequired": {"a": ["b"]}},
    ),
    "names that a field asks for": (
        {"dependencies": {"a": ["b", "b"]}},
        {"dependencies": {"a": ["b"]}},
    ),
    "empty lists for objects": (
        {"properties": [], "$defs": [], "additionalProperties": [], "allOf": [[]]},
        {"properties": {}, "$defs": {}, "additionalProperties": {}, "allOf": [{}]},
    ),
    "words that are none": (
        {"title": 1.5, "description": ["а"], "examples": "a"},
        {"title": "1.5", "description": '["а"]', "examples": ["a"]},
    ),
    "marks of the wrong type": ({"format": {}, "pattern": 1, "deprecated": "yes", "$id": 7}, {}),
    "a name as an identifier": ({"$id": "#a"}, {"$anchor": "a"}),
    "an identifier with a piece of itself": ({"$id": "https://a.example/b#c"}, {}),
    "a dynamic reference": (
        {"$dynamicAnchor": "a", "$recursiveAnchor": True, "not": {"$dynamicRef": "#a"}},
        {"$anchor": "a", "not": {"$ref": "#a"}},
    ),
    "a reference to the schema's own address": (
        {"$id": "https://a.example/b#", "not": {"$ref": "https://a.example/b#/$defs/c"}},
        {"$id": "https://a.example/b#", "not": {"$ref": "#/$defs/c"}},
    ),
    "a definition that stands deeper": (
        {"not": {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}, "c": {}}}},
        {
            "not": {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}, "c": {}}},
            "$defs": {"a/b": {"type": "null"}},
        },
    ),
}
KEPT: dict[str, Any] = {
    "values": {"const": {"required": ["a", "a"]}, "enum": [None, []], "default": {"items": [1]}},
    "fields that are called as keywords are": {
        "properties": {"required": {"type": "array"}, "items": True, "$ref": {"type": "string"}}
    },
    "a definition that nothing seeks": {"not": {"$defs": {"a": {}}}},
    "what is wrong": {"properties": "a", "required": True, "minItems": "1", "type": "OBJECT"},
}


@pytest.mark.parametrize(("schema", "read"), REWRITTEN.values(), ids=REWRITTEN.keys())
def test_an_earlier_spelling_is_read_as_the_present_one(schema: Any, read: Any) -> None:
    assert in_present_draft(schema) == read


@pytest.mark.parametrize("schema", KEPT.values(), ids=KEPT.keys())
def test_all_else_stays(schema: Any) -> None:
    assert in_present_draft(schema) == schema
