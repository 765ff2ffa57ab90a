"""What a value may be, beyond its type: the bounds of a JSON Schema, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from django.utils.translation import get_language, gettext

JSONObject = dict[str, Any]

_NO_CONTROL_CHARACTERS = r"^[^\u0000-\u001f\u007f]*$"
"""The pattern of a line of text, which says less to a reader than its name."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound: what is bounded, and its limits in words or the values in code."""

    label: str
    limits: str = ""
    values: tuple[str, ...] = ()


def bounds(schema: JSONObject) -> tuple[Bound, ...]:
    """Return the bounds of a value and of the items of a list, each once."""
    return tuple(dict.fromkeys(_bounds(schema)))


def _bounds(schema: JSONObject) -> Iterator[Bound]:
    if values := [value for value in schema.get("enum", ()) if value is not None]:
        yield Bound(gettext("one of"), values=tuple(_code(value) for value in values))
    if schema.get("default") is not None and schema["default"] != "":
        yield Bound(gettext("by default"), values=(_code(schema["default"]),))
    yield from _range(gettext("value"), schema, "minimum", "maximum")
    yield from _range(gettext("characters"), schema, "minLength", "maxLength")
    yield from _range(gettext("items"), schema, "minItems", "maxItems")
    yield from _range(gettext("entries"), schema, "minProperties", "maxProperties")
    if "propertyNames" in schema:
        yield from _range(
            gettext("characters of a name"), schema["propertyNames"], "minLength", "maxLength"
        )
    if "format" in schema:
        yield Bound(gettext("format"), values=(schema["format"],))
    if "pattern" in schema:
        if schema["pattern"] == _NO_CONTROL_CHARACTERS:
            yield Bound(gettext("without control characters"))
        else:
            yield Bound(gettext("pattern"), values=(schema["pattern"],))
    for inner in _inner(schema):
        yield from _bounds(inner)


def _inner(schema: JSONObject) -> Iterator[JSONObject]:
    """Yield the schemas whose bounds are told with those of `schema`."""
    yield from schema.get("anyOf", ())
    yield from schema.get("oneOf", ())
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield schema[name]


def _range(label: str, schema: JSONObject, least: str, most: str) -> Iterator[Bound]:
    low, high = schema.get(least), schema.get(most)
    if low == 0 and least != "minimum":
        low = None  # nothing is shorter than nothing
    if low is not None and low == high:
        yield Bound(label, _number(low))
    elif low is not None and high is not None:
        limits = gettext("from %(low)s to %(high)s")
        yield Bound(label, limits % {"low": _number(low), "high": _number(high)})
    elif low is not None:
        yield Bound(label, gettext("from %(low)s") % {"low": _number(low)})
    elif high is not None:
        yield Bound(label, gettext("up to %(high)s") % {"high": _number(high)})


def _number(value: float) -> str:
    """Write a number with its thousands apart, as the language does."""
    written = f"{abs(value):,}"
    if get_language() != "en":
        written = written.replace(",", "\N{NO-BREAK SPACE}")
    return f"\N{MINUS SIGN}{written}" if value < 0 else written


def _code(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
