"""Values made for JSON Schemas: they fit, and they say what the text says."""

import time
from typing import Any

import pytest

from sandbox.core.facts import TextFacts
from sandbox.core.json_schema import fill, find_json, is_valid

TREE = {
    "type": "object",
    "properties": {
        "value": {"type": "integer"},
        "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    },
    "required": ["value", "next"],
}

SCHEMAS: dict[str, dict[str, Any]] = {
    "scalars": {
        "type": "object",
        "properties": {
            "s": {"type": "string"}, "i": {"type": "integer"}, "n": {"type": "number"},
            "b": {"type": "boolean"}, "z": {"type": "null"},
        },
        "required": ["s", "i", "n", "b", "z"],
    },
    "bounds": {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "minimum": 10, "maximum": 12},
            "b": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "c": {"type": "integer", "multipleOf": 5, "maximum": 9},
            "d": {"type": "string", "minLength": 30},
            "e": {"type": "string", "maxLength": 3},
        },
        "required": ["a", "b", "c", "d", "e"],
    },
    "enum and const": {
        "type": "object",
        "properties": {"e": {"enum": ["x", "y"]}, "c": {"const": 7}},
        "required": ["e", "c"],
    },
    "lists": {
        "type": "object",
        "properties": {
            "a": {"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True},
            "b": {"type": "array", "items": {"enum": [1, 2]}, "minItems": 2, "uniqueItems": True},
            "c": {"type": "array", "items": {"type": "integer"}, "maxItems": 0},
            "d": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
        },
        "required": ["a", "b", "c", "d"],
    },
    "references": {
        "type": "object",
        "$defs": {"City": {"type": "object", "properties": {"name": {"type": "string"}},
                           "required": ["name"], "additionalProperties": False}},
        "properties": {"from": {"$ref": "#/$defs/City"},
                       "to": {"type": "array", "items": {"$ref": "#/$defs/City"}}},
        "required": ["from", "to"], "additionalProperties": False,
    },
    "branches": {
        "type": "object",
        "properties": {
            "a": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
            "b": {"oneOf": [{"type": "string", "format": "email"}, {"type": "integer"}]},
            "c": {"allOf": [{"type": "object", "properties": {"x": {"type": "integer"}},
                             "required": ["x"]},
                            {"properties": {"y": {"type": "string"}}, "required": ["y"]}]},
            "d": {"type": ["null", "string"]},
        },
        "required": ["a", "b", "c", "d"],
    },
    "patterns": {
        "type": "object",
        "properties": {"code": {"type": "string", "pattern": "^[A-Z]{3}$"},
                       "day": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}},
        "required": ["code", "day"],
    },
    "undeclared but required": {"type": "object", "required": ["x"]},
    "no required": {"type": "object", "properties": {"x": {"type": "object", "properties": {}}}},
    "recursion": TREE,
    "a list at the top": {"type": "array", "items": {"type": "string"}},
    "a string at the top": {"type": "string"},
}  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())
@pytest.mark.parametrize("text", ["", "Погода в Москве и Париже на 3 дня, 7.5 или 100?", "x y z"])
def test_a_value_fits_its_schema(schema: dict[str, Any], text: str) -> None:
    value = fill(schema, TextFacts(text))
    assert is_valid(value, schema), value
    assert value == fill(schema, TextFacts(text))


def test_values_come_from_the_text() -> None:
    schema = {
        "type": "object",
        "properties": {
            "from": {"type": "string"},
            "to": {"type": "string"},
            "seats": {"type": "integer"},
            "class": {"type": "string", "enum": ["economy", "business"]},
        },
        "required": ["from", "to"],
    }
    text = "Билет из Омска в Казань, 2 места, business"
    assert fill(schema, TextFacts(text)) == {
        "from": "Омск",
        "to": "Казань",
        "seats": 2,
        "class": "business",
    }


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("query", "Найди рецепт борща", "Найди рецепт борща"),
        ("title", "Открой книгу «Война и мир»", "Война и мир"),
        ("city", "What is the weather in Berlin?", "Berlin"),
        ("city", "Как там Санкт-Петербург?", "Санкт-Петербург"),
    ],
)
def test_a_string_suits_its_field(field: str, text: str, value: str) -> None:
    schema = {"type": "object", "properties": {field: {"type": "string"}}, "required": [field]}
    assert fill(schema, TextFacts(text)) == {field: value}


def test_json_in_the_text_is_taken_if_it_fits() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert fill(schema, TextFacts('Return {"n": 3} exactly')) == {"n": 3}
    assert fill(schema, TextFacts('Return {"n": "three"} or 5')) == {"n": 5}


def test_json_is_found_amid_words() -> None:
    assert list(find_json('a {"b": [1]} c [2] {d} {"e"')) == [{"b": [1]}, [2]]


HOSTILE: dict[str, dict[str, Any]] = {
    "endless": {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    "endless and wide": {
        "type": "object",
        "properties": {name: {"$ref": "#"} for name in "abcdefgh"},
        "required": list("abcdefgh"),
    },
    "circular": {"$ref": "#"},
    "circular in a circle": {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
    "far away": {"$ref": "http://192.0.2.1/schema.json"},
    "dangling": {"$ref": "#/$defs/nowhere"},
    "huge list": {
        "type": "array",
        "minItems": 10**9,
        "items": {"type": "array", "minItems": 10**9},
    },
    "huge string": {"type": "string", "minLength": 10**9},
    "slow pattern": {"type": "string", "pattern": "^(((.+)+)+)+$x"},
    "no steps": {"type": "number", "multipleOf": 1e-300},
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_schema_is_given_up_soon(schema: dict[str, Any]) -> None:
    began = time.monotonic()
    fill(schema, TextFacts("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa [1] {}"))
    assert time.monotonic() - began < 20
