"""A caller's schema is judged as JSON Schema means it, in bounded time, and fetches nothing."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.pipeline.emulation.schema_validation import (
    broken_keyword,
    check_satisfiable,
    check_schema,
    fault_of,
    unchecked,
)
from gateway.pipeline.errors import InvalidParameter

SCHEMAS = json.loads(Path(__file__).with_name("tool_schemas.json").read_text(encoding="utf-8"))
DRAFT_7 = "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize("published", SCHEMAS, ids=lambda published: published["name"])
def test_published_schemas_are_taken(published):
    check_schema(published["parameters"], "tools[0].function.parameters")


WRONG: dict[str, dict[str, Any]] = {
    "no type": {"type": "objekt"},
    "no type deep down": {"properties": {"a": {"items": {"type": ["string", "txt"]}}}},
    "no list": {"required": "city"},
    "a flag of draft 3": {"properties": {"a": {"type": "string", "required": True}}},
    "no map": {"properties": ["a"]},
    "no schema": {"properties": {"a": "string"}},
    "no branches": {"anyOf": []},
    "no number": {"minimum": "1"},
    "a true number": {"maximum": True},
    "no count": {"minItems": -1},
    "no flag": {"uniqueItems": 1},
    "no enumeration": {"enum": "a"},
    "a reference past the end of a list": {"anyOf": [{}], "$ref": "#/anyOf/1"},
    "no step": {"multipleOf": 0},
    "a reference to the web": {"properties": {"a": {"$ref": "https://example.com/a.json"}}},
    "a reference to a file": {"$ref": "file:///etc/passwd"},
    "a reference to a neighbour": {"$ref": "other.json#/a"},
    "a reference to nowhere": {"$ref": "#/$defs/absent"},
    "an anchor to nowhere": {"$ref": "#absent"},
    "a reference to no schema": {"$ref": "#/title", "title": "x"},
    "a reference to itself": {"$ref": "#"},
    "two references to each other": {
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}},
        "$ref": "#/$defs/a",
    },
    "one that doubles at every step": {
        "$defs": {
            **{f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(60)},
            "d60": {},
        },
        "$ref": "#/$defs/d0",
    },
}


@pytest.mark.parametrize("schema", WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_kept_to_is_refused_by_name(schema):
    with pytest.raises(InvalidParameter) as caught:
        check_schema(schema, "response_format.json_schema.schema")
    assert caught.value.param == "response_format.json_schema.schema"
    assert caught.value.message.startswith("response_format.json_schema.schema")


def test_a_schema_that_fits_nothing_fits_nothing():
    check_schema({"not": {}}, "x")
    assert fault_of(1, {"not": {}}) is not None
    assert "the schema is wrong" in (fault_of(1, {"type": "objekt"}) or "")


def test_one_that_is_too_deep_is_refused():
    schema: dict[str, Any] = {}
    for _ in range(100):
        schema = {"items": schema}
    with pytest.raises(InvalidParameter):
        check_schema(schema, "x")


def test_a_recursive_schema_is_kept_to_at_every_depth():
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "child": {"$ref": "#"}},
        "required": ["name"],
    }
    check_schema(schema, "x")
    assert fault_of({"name": "a", "child": {"name": "b"}}, schema) is None
    assert fault_of({"name": "a", "child": {"child": {}}}, schema) is not None


def test_a_value_that_would_take_for_ever_is_not_called_fit():
    doubling = {
        "$defs": {
            **{
                f"d{i}": {"properties": {"a": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2}}}
                for i in range(40)
            },
            "d40": {"type": "string"},
        },
        "$ref": "#/$defs/d0",
    }
    check_schema(doubling, "x")
    value: Any = 1
    for _ in range(40):
        value = {"a": value}
    assert "too large" in (fault_of(value, doubling) or "")


def test_a_value_deeper_than_the_stack_is_not_called_fit():
    value: Any = {}
    for _ in range(900):
        value = {"child": value}
    assert "too deep" in (fault_of(value, {"properties": {"child": {"$ref": "#"}}}) or "")


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"type": "string", "pattern": "^(x+)+$"}}},
        {"patternProperties": {"^(a+)+$": {"type": "integer"}}, "additionalProperties": False},
        {"propertyNames": {"pattern": "^(x+)+$"}},
        {"allOf": [{"patternProperties": {"^(a+)+$": {}}}], "unevaluatedProperties": False},
        {"properties": {"a": {"pattern": "(x+x+)+y"}}},
    ],
)
def test_an_expression_that_would_backtrack_takes_linear_time(schema):
    check_schema(schema, "x")
    check_satisfiable(schema, "x")
    value = {"a": "x" * 50_000 + "!", "a" * 50_000 + "!": 1}
    is_unevaluated = "unevaluatedProperties" in schema
    assert (fault_of(value, schema) is None) == is_unevaluated
    assert bool(unchecked(schema, "x")) == is_unevaluated


def test_a_pattern_is_searched_for_and_named_where_it_is_not_found():
    schema = {"properties": {"code": {"type": "string", "pattern": "^[0-9]{4}$"}}}
    check_schema(schema, "x")
    assert fault_of({"code": "1234"}, schema) is None
    assert fault_of({"code": "abcd"}, schema) == "$.code: 'abcd' does not match '^[0-9]{4}$'"
    assert "does not match '^[0-9]{4}$'" in (fault_of({"code": "ж" * 5000}, schema) or "")
    assert broken_keyword({"code": "abcd"}, schema) == "properties/code/pattern"
    assert fault_of({"code": 1}, {"properties": {"code": {"pattern": "^a"}}}) is None


def test_properties_are_judged_by_the_patterns_of_their_names():
    schema = {
        "properties": {"имя": {"type": "string"}},
        "patternProperties": {"^x_": {"type": "string"}, "^x_[а-я]": {"minLength": 2}},
        "additionalProperties": {"type": "integer"},
    }
    check_schema(schema, "x")
    assert fault_of({"имя": "Анна", "x_a": "b", "x_б": "bb", "n": 1}, schema) is None
    for wrong in ({"имя": 1}, {"x_a": 1}, {"x_б": "b"}, {"n": "b"}):
        assert fault_of(wrong, schema) is not None
    closed = {"patternProperties": {"^x_": {}}, "additionalProperties": False}
    assert fault_of({"x_a": 1}, closed) is None
    words = "$: 'zzz' does not match any of the patterns: '^x_'"
    assert fault_of({"zzz": 1}, closed) == words


def test_names_of_properties_may_have_a_pattern():
    schema = {"propertyNames": {"pattern": "^[а-яё]+$"}}
    assert fault_of({"ёж": 1}, schema) is None
    assert "does not match" in (fault_of({"hedgehog": 1}, schema) or "")


LOOKING = {"pattern": "^(?!a)"}


@pytest.mark.parametrize(
    "schema",
    [
        LOOKING,
        {"not": LOOKING},
        {"not": {"not": LOOKING}},
        {"not": {"$ref": "#/$defs/b"}, "$defs": {"b": LOOKING}},
        {"if": LOOKING, "then": False, "else": False},
        {"oneOf": [LOOKING, {"type": "string"}]},
        {"oneOf": [LOOKING, LOOKING]},
        {"contains": LOOKING, "maxContains": 1},
        {"propertyNames": LOOKING},
        {"patternProperties": {"(?=a)": False}, "additionalProperties": False},
        {"if": LOOKING, "then": {"properties": {"a": {}}}, "unevaluatedProperties": False},
    ],
)
def test_a_pattern_that_looks_around_refuses_nothing_and_is_named(schema):
    check_schema(schema, "x")
    check_satisfiable(schema, "x")
    for value in ("a", "b", ["a", "b"], {"a": 1}):
        assert fault_of(value, schema) is None
    assert unchecked(schema, "x") != []


def test_a_format_decides_between_no_branches():
    schema = {"oneOf": [{"format": "date"}, {"format": "date-time"}], "not": {"format": "uri"}}
    check_satisfiable(schema, "x")
    assert fault_of("2026-12-01", schema) is None
    assert unchecked(schema, "x") == []


def test_what_is_not_checked_is_named_by_its_path():
    schema = {
        "properties": {"code": LOOKING, "year": {"pattern": r"^\d{4}$"}},
        "$defs": {"unused": LOOKING},
    }
    assert unchecked(schema, "s") == ["s.properties.code.pattern"]
    many = {"properties": {"x" * 500 + str(n): LOOKING for n in range(500)}}
    assert len(unchecked(many, "s")) < 20
    assert all(len(path) < 200 for path in unchecked(many, "s"))
    assert unchecked({"properties": {"pattern": {"type": "string"}}}, "s") == []


@pytest.mark.parametrize(
    "pattern",
    ["a%d{1000}{1000}", r"%d\p{L}{1,50}", r"%d\p{L}{1000}", "%d(a|b)*a(a|b){20}$", "%d(?:x*){1000}y"]
)  # fmt: skip
def test_thousands_of_patterns_are_bounded_together(pattern):
    schema = {"properties": {f"p{n}": {"pattern": pattern % n} for n in range(2000)}}
    value = {f"p{n}": f"{n}" + "xab" * 300 for n in range(2000)}
    check_schema(schema, "x")
    check_satisfiable(schema, "x")
    fault_of(value, schema)
    broken_keyword(value, schema)
    assert unchecked(schema, "x") != []


def test_a_search_that_would_take_too_long_is_not_called_fit():
    schema = {"pattern": "(?:x*){1000}y"}
    assert "too large" in (fault_of("x" * 200_000, schema) or "")


def test_a_schema_within_a_pattern_s_properties_is_checked_as_any_other():
    with pytest.raises(InvalidParameter):
        check_schema({"patternProperties": {"^a": {"type": "objekt"}}}, "x")


def test_a_property_may_be_called_like_a_keyword():
    schema = {
        "type": "object",
        "properties": {"pattern": {"type": "string"}, "$ref": {"type": "string"}, "type": {}},
        "required": ["pattern"],
    }
    check_schema(schema, "x")
    assert fault_of({"pattern": "*.py", "$ref": "a"}, schema) is None
    assert fault_of({"pattern": 1}, schema) is not None


def test_constants_are_taken_as_they_stand():
    schema = {"properties": {"a": {"const": {"pattern": "x", "$ref": "y"}}, "b": {"const": None}}}
    assert fault_of({"a": {"pattern": "x", "$ref": "y"}, "b": None}, schema) is None
    assert fault_of({"b": 0}, schema) is not None


def test_older_drafts_are_read():
    schema = {
        "$schema": DRAFT_7,
        "definitions": {"pair": {"items": [{"type": "string"}], "additionalItems": False}},
        "properties": {
            "x": {"$ref": "#/definitions/pair"},
            "n": {"minimum": 1, "exclusiveMinimum": True},
        },
        "dependencies": {"x": ["n"], "n": {"required": ["x"]}},
    }
    check_schema(schema, "x")
    assert fault_of({"x": ["a"], "n": 1}, schema) is None
    assert fault_of({"x": [1], "n": 1}, schema) is not None
    assert fault_of({"x": ["a", "b"], "n": 1}, schema) is not None
    assert fault_of({"x": ["a"]}, schema) is not None
    assert fault_of({"n": 1}, schema) is not None


def test_references_may_point_anywhere_inside():
    schema = {
        "properties": {
            "a": {"type": "integer"},
            "b": {"$ref": "#/properties/a"},
            "c": {"$ref": "#/components/schemas/x~1y"},
            "d": {"$ref": "#here"},
            "e": {"anyOf": [{"type": "null"}, {"$anchor": "here", "type": "boolean"}]},
        },
        "components": {"schemas": {"x/y": {"pattern": "(z+)+", "type": "string"}}},
    }
    check_schema(schema, "x")
    assert fault_of({"a": 1, "b": 2, "c": "z", "d": True, "e": None}, schema) is None
    for wrong in ({"b": "x"}, {"c": 1}, {"c": "a"}, {"d": 1}, {"e": 1}):
        assert fault_of(wrong, schema) is not None


def test_a_nested_dialect_does_not_bring_a_backtracking_engine_back():
    schema = {"properties": {"a": {"$schema": DRAFT_7, "$id": "http://x/", "pattern": "^(x+)+$"}}}
    assert "does not match" in (fault_of({"a": "x" * 50_000 + "!"}, schema) or "")


def test_an_absent_keyword_may_be_null():
    schema = {
        "type": "object",
        "required": None,
        "properties": {"a": {"enum": None, "type": "string"}},
    }
    check_schema(schema, "x")
    assert fault_of({"a": "b"}, schema) is None


def test_items_that_must_differ_are_told_apart_however_many():
    schema = {"uniqueItems": True}
    assert fault_of([[index, "x"] for index in range(20_000)], schema) is None
    assert fault_of([{"a": 1, "b": 2}, {"b": 2, "a": 1}], schema) is not None


def test_the_words_name_the_place_and_the_cause():
    schema = {"properties": {"trip": {"required": ["city"]}}}
    assert fault_of({"trip": {}}, schema) == "$.trip: 'city' is a required property"


LEAVES = st.sampled_from(
    [
        {},
        {"type": "string", "minLength": 2},
        {"type": ["integer", "null"]},
        {"type": "number", "exclusiveMinimum": 1, "multipleOf": 2},
        {"enum": ["a", 1, None]},
        {"const": {"a": [1]}},
        {"pattern": "^b+$"},
        {"$ref": "#/$defs/x"},
        True,
    ]
)


def composed(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    return st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": named},
            optional={
                "required": st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
                "additionalProperties": inner,
                "minProperties": st.integers(0, 2),
                "unevaluatedProperties": st.just(False),
            },
        ),
        st.fixed_dictionaries(
            {"patternProperties": st.dictionaries(st.sampled_from(["a", "[bc]$"]), inner)},
            optional={"additionalProperties": inner, "properties": named},
        ),
        st.fixed_dictionaries({"items": inner}, optional={"maxItems": st.integers(0, 2)}),
        st.fixed_dictionaries({"prefixItems": st.lists(inner, max_size=2), "items": inner}),
        st.builds(lambda key, parts: {key: parts}, st.sampled_from(["anyOf", "oneOf", "allOf"]),
                  st.lists(inner, min_size=1, max_size=3)),
        st.fixed_dictionaries({"if": inner, "then": inner}, optional={"else": inner}),
        st.builds(lambda part: {"not": part}, inner),
        st.builds(lambda part: {"contains": part, "maxContains": 1}, inner),
    )  # fmt: skip


VALUES = st.recursive(
    st.sampled_from([None, True, 0, 1, 2, 4.5, "", "a", "bb"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(schema=st.recursive(LEAVES, composed, max_leaves=6), target=LEAVES, value=VALUES)
def test_the_judgement_is_that_of_the_standard(schema, target, value):
    if target is True or "$ref" in target:
        target = {"type": "boolean"}
    whole = {"allOf": [schema], "$defs": {"x": target}}
    text = json.dumps(whole)  # where both stand, the former is not checked
    assume(not ("unevaluatedProperties" in text and "patternProperties" in text))
    expected = jsonschema.Draft202012Validator(whole).is_valid(value)
    assert (fault_of(value, whole) is None) == expected
    if expected:
        check_satisfiable(whole, "x")


LOOKING_LEAVES = st.sampled_from([{"pattern": "^(?!b)"}, {"pattern": "(?=a)"}, {"format": "date"}])


@given(schema=st.recursive(LEAVES | LOOKING_LEAVES, composed, max_leaves=8), value=VALUES)
def test_a_pattern_that_is_not_checked_refuses_nothing_that_the_standard_allows(schema, value):
    whole = {"allOf": [schema], "$defs": {"x": {"pattern": "^(?!bb)"}}}
    if jsonschema.Draft202012Validator(whole).is_valid(value):
        assert fault_of(value, whole) is None
        check_satisfiable(whole, "x")
