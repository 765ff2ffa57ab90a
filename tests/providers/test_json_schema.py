"""Schemas narrowed to what providers digest."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers._shared.simplify_schema import (
    SchemaUnfit,
    simplify_parameters,
    simplify_schema,
)
from gateway.providers.chat_types import JSONObject


def property_of(schema: JSONObject) -> JSONObject:
    narrowed: JSONObject = simplify_parameters({"type": "object", "properties": {"p": schema}})
    found: JSONObject = narrowed["properties"]["p"]
    return found


def test_a_plain_schema_stays_as_it_is():
    schema = {
        "type": "object",
        "description": "Заказ",
        "properties": {
            "city": {"type": "string", "description": "Город", "enum": ["Омск", "Томск"]},
            "kg": {"type": "number", "minimum": 0, "default": 1},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        },
        "required": ["city"],
        "additionalProperties": False,
    }
    assert simplify_schema(schema) == schema


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"$schema": "x", "title": "T"}])
def test_parameters_are_an_object_with_properties_even_if_nothing_is_said(schema: JSONObject):
    narrowed = simplify_parameters(schema)
    assert (narrowed["type"], narrowed["properties"]) == ("object", {})


def test_parameters_of_another_type_are_refused():
    with pytest.raises(SchemaUnfit, match="object"):
        simplify_parameters({"type": "array"})


@pytest.mark.parametrize(
    ("schema", "narrowed"),
    [
        ({"type": ["null", "integer"]}, {"type": "integer"}),
        ({"anyOf": [{"type": "null"}, {"type": "number"}]}, {"type": "number"}),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"type": "string"}),
        ({"anyOf": [{"type": "null"}]}, {"type": "null"}),
        ({"anyOf": [{"const": "a"}, {"enum": ["b"]}]}, {"type": "string", "enum": ["a", "b"]}),
        ({"const": 5}, {"type": "integer", "enum": [5]}),
        ({"enum": ["a", None, 1]}, {"type": "string", "enum": ["a"]}),
        ({"type": "number", "enum": [1, 2.5]}, {"type": "number", "enum": [1, 2.5]}),
        ({"type": "array"}, {"type": "array", "items": {"type": "string"}}),
        (
            {"type": "array", "items": [{"type": "integer"}, {"type": "string"}]},
            {"type": "array", "items": {"type": "integer"}},
        ),
        (
            {"prefixItems": [{"type": "boolean"}]},
            {"type": "array", "items": {"type": "boolean"}},
        ),
        (True, {"type": "string"}),
        ({"not": {"type": "string"}, "type": "integer"}, {"type": "integer"}),
        (
            {"additionalProperties": {"type": ["integer", "null"]}},
            {
                "type": "object",
                "properties": {},
                "additionalProperties": {"type": "integer"},
            },
        ),
    ],
)
def test_what_cannot_be_said_becomes_what_can(schema: Any, narrowed: JSONObject):
    assert property_of(schema) == narrowed


def test_all_parts_of_a_whole_are_merged():
    schema = {
        "allOf": [
            {"properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "integer"}}, "required": ["a", "b"]},
        ],
        "description": "both",
    }
    assert simplify_parameters(schema) == {
        "type": "object",
        "description": "both",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    }


def test_references_are_put_in_place_and_words_beside_them_win():
    schema = {
        "$defs": {"a/b~c": {"type": "integer", "description": "a number"}},
        "properties": {
            "x": {"$ref": "#/$defs/a~1b~0c", "description": "mine"},
            "y": {"anyOf": [{"$ref": "#/$defs/a~1b~0c"}, {"type": "null"}]},
        },
    }
    assert simplify_parameters(schema)["properties"] == {
        "x": {"type": "integer", "description": "mine"},
        "y": {"type": "integer", "description": "a number"},
    }


def test_a_recursion_is_cut_and_named():
    node = {
        "type": "object",
        "properties": {"left": {"$ref": "#/$defs/Node"}, "v": {"type": "integer"}},
    }
    schema = {"$defs": {"Node": node}, "properties": {"root": {"$ref": "#/$defs/Node"}}}
    root = simplify_parameters(schema)["properties"]["root"]
    assert root["properties"]["v"] == {"type": "integer"}
    assert root["properties"]["left"] == {
        "type": "object",
        "description": "Nested Node",
        "properties": {},
    }


def test_schemas_that_refer_to_each_other_and_to_themselves_come_to_an_end():
    schema = {
        "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}},
        "properties": {"a": {"$ref": "#/$defs/A"}, "self": {"$ref": "#"}},
    }
    assert simplify_parameters(schema)["properties"]["self"]["type"] == "object"


@pytest.mark.parametrize(
    "reference", ["https://example.com/s.json", "file:///etc/passwd", "#/$defs/None", "#/type", 5]
)
def test_a_reference_out_of_the_schema_or_to_nothing_is_refused(reference: Any):
    with pytest.raises(SchemaUnfit, match="reference"):
        simplify_schema({"type": "object", "properties": {"p": {"$ref": reference}}})


def test_references_that_multiply_without_end_are_refused():
    definitions: JSONObject = {"N30": {"type": "string"}}
    for level in range(30):
        doubled = {"$ref": f"#/$defs/N{level + 1}"}
        definitions[f"N{level}"] = {"properties": {"a": doubled, "b": doubled}}
    with pytest.raises(SchemaUnfit, match="large"):
        simplify_schema({"$defs": definitions, "$ref": "#/$defs/N0"})


def test_a_chain_of_references_too_long_to_follow_is_refused():
    definitions = {f"N{n}": {"allOf": [{"$ref": f"#/$defs/N{n + 1}"}]} for n in range(200)}
    definitions["N200"] = {"type": "string"}  # type: ignore[dict-item]
    with pytest.raises(SchemaUnfit, match="deep"):
        simplify_schema({"$defs": definitions, "$ref": "#/$defs/N0"})


def test_a_null_property_allows_anything():
    properties: list[Any] = [None, {}]
    null, free = ({"type": "object", "properties": {"p": schema}} for schema in properties)
    assert simplify_schema(null) == simplify_schema(free)


@pytest.mark.parametrize("schema", [[], "string", 5])
def test_what_is_no_schema_is_refused(schema: Any):
    with pytest.raises(SchemaUnfit):
        simplify_schema({"type": "object", "properties": {"p": schema}})


def test_properties_that_are_no_object_are_refused():
    with pytest.raises(SchemaUnfit, match="properties"):
        simplify_schema({"type": "object", "properties": []})


def test_formats_are_kept_unless_a_provider_names_its_own():
    schema = {"type": "string", "format": "uuid"}
    assert simplify_schema(schema) == schema
    assert simplify_schema(schema, formats=frozenset({"date"})) == {"type": "string"}


LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": ["integer", "null"]},
        {"enum": ["a", 1, None]},
        {"const": {"x": 1}},
        {},
        True,
        {"type": {"odd": 1}, "required": [[], 5], "enum": "no"},
    ]
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"properties": st.dictionaries(st.text(max_size=3), inner)}),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, max_size=3)}),
    ),
    max_leaves=12,
)


def assert_digestible(node: JSONObject) -> None:
    assert isinstance(node["type"], str)
    assert not {"$ref", "$defs", "anyOf", "oneOf", "allOf", "const"} & node.keys()
    assert node["type"] != "object" or isinstance(node["properties"], dict)
    assert node["type"] != "array" or isinstance(node["items"], dict)
    for inner in node.get("properties", {}).values():
        assert_digestible(inner)
    if "items" in node:
        assert_digestible(node["items"])


@given(SCHEMAS)
def test_whatever_comes_in_what_goes_out_is_digestible_and_a_schema(schema: Any):
    narrowed = simplify_schema({"type": "object", "properties": {"p": schema}})
    assert_digestible(narrowed)
    jsonschema.Draft202012Validator.check_schema(narrowed)


@given(SCHEMAS)
def test_narrowing_twice_is_narrowing_once(schema: Any):
    once = simplify_schema({"type": "object", "properties": {"p": schema}})
    assert simplify_schema(once) == once
