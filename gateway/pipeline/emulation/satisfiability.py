"""Find schemas that nothing can satisfy, so that no model is asked in vain. Pure.

What is said to be impossible is so; of the rest most is possible, for the question is as hard as any. A
document is finite, so that a thing which must hold another one like itself is impossible too.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from gateway.providers.chat_types import JSONObject
from infra import exact_json

STEPS_MAX = 2000
DEPTH_MAX = 64
"""How many combinations of schemas are looked at; beyond it a schema counts as possible."""

_KINDS = frozenset({"null", "boolean", "integer", "float", "string", "array", "object"})
_NUMBERS = frozenset({"integer", "float"})

Schema = JSONObject | bool
Fits = Callable[[Any, Schema], bool]
"""Whether a value fits a schema whose references are those of the root."""

_Above = tuple[frozenset[int], ...]


def impossibility(root: JSONObject, fits: Fits) -> str | None:
    """Return why nothing fits a schema that `plain` has written; None where something may."""
    try:
        return _Search(root, fits).why_nothing((root,), "$", ())
    except _TooManySteps:
        return None


class _TooManySteps(Exception):
    """The search would go on for too long."""


@dataclass(slots=True)
class _Search:
    root: JSONObject
    fits: Fits
    steps: int = field(default=0)

    def why_nothing(
        self,
        schemas: tuple[Schema, ...],
        where: str,
        above: _Above,
        chosen: frozenset[int] = frozenset(),
    ) -> str | None:
        """Return why no value fits all the schemas at once.

        `above` are the schemas of what the value would be part of, `chosen` the lists of which a branch
        is among the schemas already.
        """
        self.steps += 1
        if self.steps > STEPS_MAX or len(above) > DEPTH_MAX:
            raise _TooManySteps
        parts = self._joined(schemas)
        if any(part is False for part in parts):
            return f"{where} may have no value"
        together = [part for part in parts if isinstance(part, dict) and part]
        named = frozenset(map(id, together))
        if named and named in above:
            return f"{where} has to hold itself without end"
        if any("not" in part and part["not"] in (True, {}) for part in together):
            return f"{where} is denied every value by `not`"
        if any("const" in part or "enum" in part for part in together):
            return self._listed(together, where)
        return self._branches(together, where, above, chosen) or self._kinds(
            together, where, (*above, named)
        )

    def _joined(self, schemas: tuple[Schema, ...]) -> list[Schema]:
        """Return the schemas with the targets of their references and all parts of `allOf`, each once."""
        found: dict[int, Schema] = {}
        waiting = list(schemas)
        while waiting:
            schema = waiting.pop()
            if id(schema) in found:
                continue
            found[id(schema)] = schema
            if isinstance(schema, dict):
                waiting += schema.get("allOf", ())
                if schema.get("if") in (True, {}):
                    waiting.append(schema.get("then", True))
                elif schema.get("if") is False:
                    waiting.append(schema.get("else", True))
                if "$ref" in schema:
                    waiting.append(self.root["$defs"][schema["$ref"].rpartition("/")[2]])
        return list(found.values())

    def _listed(self, together: list[JSONObject], where: str) -> str | None:
        """Try the values that are listed: one of them fits, or none does."""
        part = next(part for part in together if "const" in part or "enum" in part)
        keyword, listed = ("const", [part["const"]]) if "const" in part else ("enum", part["enum"])
        if any(all(self.fits(value, other) for other in together) for value in listed):
            return None
        return f"{where} has no value in `{keyword}` that fits the rest"

    def _branches(
        self, together: list[JSONObject], where: str, above: _Above, chosen: frozenset[int]
    ) -> str | None:
        why: str | None
        for part in together:
            for name in ("anyOf", "oneOf"):
                why = None
                branches: list[Schema] = part.get(name, [])
                if not branches or id(branches) in chosen:
                    continue
                for branch in _once(branches) if name == "oneOf" else branches:
                    why = self.why_nothing(
                        (*together, branch), where, above, chosen | {id(branches)}
                    )
                    if why is None:
                        break
                else:
                    return f"{where} fits no part of `{name}`: {why or 'each stands there twice'}"
        return None

    def _kinds(self, together: list[JSONObject], where: str, above: _Above) -> str | None:
        kinds = _KINDS
        for part in together:
            kinds &= _kinds_of(part) if "type" in part else _KINDS
            denied = part.get("not")
            if isinstance(denied, dict) and set(denied) == {"type"}:
                kinds -= _kinds_of(denied)
        if not kinds:
            return f"{where} can be of no type"
        why: str | None = None
        for kind in sorted(kinds):
            why = self._why_no(kind, together, where, above)
            if why is None:
                return None
        return why

    def _why_no(
        self, kind: str, together: list[JSONObject], where: str, above: _Above
    ) -> str | None:
        match kind:
            case "integer":
                return _whole_number(together, where)
            case "float":
                return _number(together, where)
            case "string":
                return _crossed(together, where, "minLength", "maxLength")
            case "array":
                return self._array(together, where, above)
            case "object":
                return self._object(together, where, above)
        return None

    def _array(self, together: list[JSONObject], where: str, above: _Above) -> str | None:
        if why := _crossed(together, where, "minItems", "maxItems"):
            return why
        least = _most(together, "minItems")
        for part in together:
            if "contains" in part and part.get("minContains", 1) > 0:
                least = max(least, 1)
                if part.get("minContains", 1) > part.get("maxContains", math.inf):
                    return f"{where}: `minContains` is above `maxContains`"
                if why := self.why_nothing((part["contains"],), f"{where}[]", above):
                    return why
        if least > _least(together, "maxItems"):
            return f"{where} must contain more than `maxItems` allows"
        longest = max((len(part.get("prefixItems", ())) for part in together), default=0)
        for index in range(min(int(least), longest + 1)):
            items = tuple(_item(part, index) for part in together)
            if why := self.why_nothing(items, f"{where}[{index}]", above):
                return why
        return None

    def _object(self, together: list[JSONObject], where: str, above: _Above) -> str | None:
        if why := _crossed(together, where, "minProperties", "maxProperties"):
            return why
        required = sorted({name for part in together for name in part.get("required", ())})
        if len(required) > _least(together, "maxProperties"):
            return f"{where} requires more properties than `maxProperties` allows"
        for name in required:
            members = tuple(member for part in together for member in self._members(part, name))
            if why := self.why_nothing(members, f"{where}.{name}", above):
                return why
            if not all(self.fits(name, part.get("propertyNames", True)) for part in together):
                return f"{where} requires {name!r}, which `propertyNames` refuses"
        for part in together:
            is_closed = part.get("additionalProperties") is False
            is_closed = is_closed and not part.get("patternProperties")
            if is_closed and len(part.get("properties", ())) < _most(together, "minProperties"):
                return f"{where} has fewer properties than `minProperties`"
        return None

    def _members(self, schema: JSONObject, name: str) -> list[Schema]:
        """Return the schemas that a property of this name has to fit."""
        patterns: dict[str, Schema] = schema.get("patternProperties", {})
        found = [
            part for pattern, part in patterns.items() if self.fits(name, {"pattern": pattern})
        ]
        if name in schema.get("properties", {}):
            found.append(schema["properties"][name])
        return found or [schema.get("additionalProperties", True)]


def _once(branches: list[Schema]) -> list[Schema]:
    """Return the branches that stand once: what fits one that stands twice does not fit exactly one."""
    written = [
        exact_json.dumps({} if branch is True else branch, sorts_keys=True) for branch in branches
    ]
    times = Counter(written)
    return [branch for branch, text in zip(branches, written, strict=True) if times[text] == 1]


def _kinds_of(schema: JSONObject) -> frozenset[str]:
    named = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return frozenset(kind for name in named for kind in (_NUMBERS if name == "number" else {name}))


def _most(together: list[JSONObject], keyword: str) -> float:
    return max((part[keyword] for part in together if keyword in part), default=0)


def _least(together: list[JSONObject], keyword: str) -> float:
    return min((part[keyword] for part in together if keyword in part), default=math.inf)


def _crossed(together: list[JSONObject], where: str, low: str, high: str) -> str | None:
    is_crossed = _most(together, low) > _least(together, high)
    return f"{where}: `{low}` is above `{high}`" if is_crossed else None


def _bounds(together: list[JSONObject]) -> tuple[float, float, bool]:
    """Return the least and the greatest number allowed, and whether one of these is excluded."""
    lows = [(part[key], key) for part in together for key in _LOWS if key in part]
    highs = [(part[key], key) for part in together for key in _HIGHS if key in part]
    low = max((value for value, _ in lows), default=-math.inf)
    high = min((value for value, _ in highs), default=math.inf)
    is_open = (low, _LOWS[1]) in lows or (high, _HIGHS[1]) in highs
    return low, high, is_open


_LOWS = "minimum", "exclusiveMinimum"
_HIGHS = "maximum", "exclusiveMaximum"


def _number(together: list[JSONObject], where: str) -> str | None:
    low, high, is_open = _bounds(together)
    if low > high or (low == high and is_open):
        return f"{where}: no number lies between its bounds"
    for part in together:
        if "multipleOf" in part and math.isfinite(low) and math.isfinite(high):
            # As they are written: a binary 0.3 is no multiple of a binary 0.1.
            step, first, last = (Fraction(str(value)) for value in (part["multipleOf"], low, high))
            if math.floor(last / step) * step < first:
                return f"{where}: no multiple of `multipleOf` lies between its bounds"
    return None


def _whole_number(together: list[JSONObject], where: str) -> str | None:
    if why := _number(together, where):
        return why
    low, high, _ = _bounds(together)
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    first, last = math.ceil(low), math.floor(high)
    first += (low, _LOWS[1]) in _given(together) and first == low
    last -= (high, _HIGHS[1]) in _given(together) and last == high
    return f"{where}: no whole number lies between its bounds" if first > last else None


def _given(together: list[JSONObject]) -> list[tuple[float, str]]:
    return [(part[key], key) for part in together for key in (*_LOWS, *_HIGHS) if key in part]


def _item(schema: JSONObject, index: int) -> Schema:
    prefix = schema.get("prefixItems", [])
    item: Schema = prefix[index] if index < len(prefix) else schema.get("items", True)
    return item
