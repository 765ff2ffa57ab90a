"""Values that fit a JSON Schema, made of what a text says wherever it says something fitting."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from sandbox.core.facts import TextFacts

# Anyone may send a schema: none may make the sandbox work for long or fetch a reference.
_DEEPEST = 12
_MOST_VALUES = 2000
_MOST_ITEMS = 100
_LONGEST_STRING = 4000
_LONGEST_SEARCHED = 65_536
_MOST_ATTEMPTS = 500
_LONGEST_CANDIDATE = 12
_NO_FORMATS = FormatChecker(())
_BRACKET = re.compile(r"[\[{]")
_FORMATS = {
    "date": "2026-01-15",
    "time": "12:00:00Z",
    "date-time": "2026-01-15T12:00:00Z",
    "email": "anna@example.ru",
    "uri": "https://example.ru/",
    "uuid": "5a11db0e-0000-4000-8000-000000000003",
    "ipv4": "192.0.2.1",
    "hostname": "example.ru",
}
# Strings for patterns that nothing in the text matches.
_SAMPLES = (
    "A", "ABC", "abc", "Abc", "A1", "AB12", "AB-123", "a-b", "a_b", "1", "12", "123", "1234",
    "123456", "1234567890", "+79001234567", "12:30", "#aabbcc", "1.0", "1.0.0", "да", "Привет",
    "2026-01-15", "12:00:00",
)  # fmt: skip


def fill(schema: dict[str, Any], facts: TextFacts) -> Any:
    """Return a value that fits the schema as far as it can be met, the same for the same text."""
    # Patterns are not tried on words of the user, who may have made both to be slow together.
    if '"pattern' not in json.dumps(schema):
        for value in find_json(facts.text):
            if is_valid(value, schema):
                return value
    return _Filling(schema, facts).value(schema, "", 0)


def is_valid(value: Any, schema: dict[str, Any]) -> bool:
    """Return whether a value fits a schema; one that is no schema nothing fits."""
    try:
        Draft202012Validator(schema, registry=Registry()).validate(value)
    except (ValidationError, SchemaError, Unresolvable, RecursionError):
        return False
    return True


def is_well_formed(schema: dict[str, Any]) -> bool:
    """Return whether a value is a JSON Schema; its patterns are not Python's, and so are not tried."""
    try:
        Draft202012Validator.check_schema(schema, format_checker=_NO_FORMATS)
    except (SchemaError, RecursionError):
        return False
    return True


def find_json(text: str) -> Iterator[Any]:
    """Yield the JSON objects and lists that stand in a text, outermost ones only."""
    return (value for _, _, value in find_json_spans(text))


def find_json_spans(text: str) -> Iterator[tuple[int, int, Any]]:
    """Yield start, end and value of the JSON objects and lists that stand in a text."""
    decoder = json.JSONDecoder()
    text = text[:_LONGEST_SEARCHED]
    at, attempts = 0, 0
    while attempts < _MOST_ATTEMPTS and (opening := _BRACKET.search(text, at)):
        try:
            value, at = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            at = opening.end()
            attempts += 1
            continue
        yield opening.start(), at, value


class _Filling:
    """One walk through a schema; each fact of the text is used once where it can be."""

    def __init__(self, root: dict[str, Any], facts: TextFacts) -> None:
        self._root = root
        self._facts = facts
        self._left = _MOST_VALUES

    def value(self, schema: Any, name: str, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > 2 * _DEEPEST:
            return None
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._facts.mentioned(schema["enum"]) or schema["enum"][0]
        match _type_of(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "string":
                return self._string(schema, name)
            case "integer" | "number" as kind:
                return self._number(schema, kind)
            case "boolean":
                return schema.get("default", True)
            case _:
                return None

    def _resolved(self, schema: Any, depth: int) -> dict[str, Any]:
        """Follow references, take the first branch that is not null, merge what must all hold."""
        for _ in range(_DEEPEST):
            if not isinstance(schema, dict):
                return {}
            rest = {k: v for k, v in schema.items() if k not in ("$ref", "anyOf", "oneOf", "allOf")}
            if "$ref" in schema:
                schema = {**self._referenced(schema["$ref"]), **rest}
            elif branches := schema.get("anyOf") or schema.get("oneOf"):
                # Deep down a null, where it is allowed, ends a recursive schema.
                wanted = [branch for branch in branches if _is_null(branch) == (depth > _DEEPEST)]
                schema = {**rest, **_as_dict((wanted or branches)[0])}
            elif parts := schema.get("allOf"):
                schema = rest
                for part in parts:
                    schema = _merged(schema, self._resolved(part, depth))
            else:
                return schema
        return {}

    def _referenced(self, reference: str) -> dict[str, Any]:
        target: Any = self._root
        for step in unquote(reference.removeprefix("#")).strip("/").split("/"):
            if step:
                target = _as_dict(target).get(step.replace("~1", "/").replace("~0", "~"), {})
        return _as_dict(target)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = _as_dict(schema.get("properties"))
        required = [name for name in schema.get("required", ()) if isinstance(name, str)]
        filled = {}
        for name, inner in properties.items():
            is_wanted = not required and depth < _DEEPEST
            if name in required or is_wanted or self._is_said(inner, depth):
                filled[name] = self.value(inner, name, depth + 1)
        extra = _as_dict(schema.get("additionalProperties"))
        for name in required:
            filled.setdefault(name, self.value(extra or {"type": "string"}, name, depth + 1))
        return filled

    def _is_said(self, schema: Any, depth: int) -> bool:
        """Return whether the text gives a value for an optional field."""
        schema = self._resolved(schema, depth)
        if schema.get("enum"):
            return self._facts.mentioned(schema["enum"]) is not None
        return _type_of(schema) in ("integer", "number") and self._facts.has_number()

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        fewest = min(int(schema.get("minItems", 0)), _MOST_ITEMS)
        count = max(fewest, min(1 if depth < _DEEPEST else 0, int(schema.get("maxItems", 1))))
        firsts = list(schema.get("prefixItems", ()))
        items: list[Any] = []
        for index in range(max(count, len(firsts))):
            item = firsts[index] if index < len(firsts) else schema.get("items", {"type": "string"})
            value = self.value(item, name, depth + 1)
            if schema.get("uniqueItems") and value in items:
                value = self._another(item, items, index)
            items.append(value)
        return items

    def _another(self, schema: Any, taken: list[Any], index: int) -> Any:
        choices = _as_dict(schema).get("enum") or ()
        for value in choices:
            if value not in taken:
                return value
        last = taken[-1]
        return f"{last} {index + 1}" if isinstance(last, str) else last + 1

    def _string(self, schema: dict[str, Any], name: str) -> str:
        fewest = int(min(schema.get("minLength", 0), _LONGEST_STRING))
        most = int(min(schema.get("maxLength", _LONGEST_STRING), _LONGEST_STRING))
        if pattern := schema.get("pattern"):
            return self._matching(str(pattern))
        if (kind := schema.get("format")) in _FORMATS:
            return _FORMATS[kind]
        value = schema.get("default")
        if not isinstance(value, str):
            value = self._facts.string()
        return value.ljust(fewest, ".")[:most]

    def _matching(self, pattern: str) -> str:
        words = (word for word in self._facts.words() if len(word) <= _LONGEST_CANDIDATE)
        candidates = (*words, *_SAMPLES)[:_MOST_ITEMS]
        try:
            return next((c for c in candidates if re.search(pattern, c)), candidates[0])
        except re.error:
            return candidates[0]

    def _number(self, schema: dict[str, Any], kind: str) -> float | int:
        least, most = schema.get("minimum"), schema.get("maximum")
        step = schema.get("multipleOf", 1 if kind == "integer" else None)
        if "exclusiveMinimum" in schema:
            least = schema["exclusiveMinimum"] + (step or 0.5)
        if "exclusiveMaximum" in schema:
            most = schema["exclusiveMaximum"] - (step or 0.5)
        value = self._facts.number(whole=kind == "integer")
        if value is None:
            value = schema.get("default", 1)
        value = value if least is None else max(value, least)
        value = value if most is None else min(value, most)
        if step:
            value = -(-value // step) * step
            value = value if most is None or value <= most else value - step
        return int(value) if kind == "integer" else value


def _type_of(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((item for item in kind if item != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind)


def _is_null(schema: Any) -> bool:
    return _as_dict(schema).get("type") == "null"


def _merged(first: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    merged = {**first, **other}
    if "properties" in first and "properties" in other:
        merged["properties"] = {**first["properties"], **other["properties"]}
    if "required" in first and "required" in other:
        merged["required"] = [*first["required"], *other["required"]]
    return merged


def _as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
