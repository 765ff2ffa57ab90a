"""Narrow a JSON Schema to the plain subset that providers digest."""

from collections.abc import Mapping
from typing import Any

from gateway.providers._shared.schema_references import (
    DEPTH_MAX,
    NODES_MAX,
    SchemaUnfit,
    last_name,
    said,
    target_of,
)
from gateway.providers.chat_types import JSONObject

__all__ = ["SchemaUnfit", "simplify_parameters", "simplify_schema"]

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_KEPT = frozenset(
    {
        "default",
        "description",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "multipleOf",
        "pattern",
        "title",
        "uniqueItems",
    }
)


def simplify_schema(schema: JSONObject, *, formats: frozenset[str] | None = None) -> JSONObject:
    """Rewrite a schema so that it means the same, or as much of it as can be said.

    References are put in place (a recursion is cut at its second turn), a union becomes its first
    branch that something but null fits (a union of constants their enumeration), `allOf` is merged, a list of
    types its first that is not null, a constant an enumeration of one. Every node has one type,
    every object `properties`, every array `items`. Other keywords of composition are left out: they
    only bind further what is described already. With `formats`, any other `format` goes too.
    A null keyword is an absent one.

    Raises SchemaUnfit.
    """
    return _SchemaSimplifier(schema, formats).node(schema, (), 0)


def simplify_parameters(schema: JSONObject, *, formats: frozenset[str] | None = None) -> JSONObject:
    """Narrow the schema of a tool's parameters: an object, also where it does not say so.

    Raises SchemaUnfit, also when it is some other type.
    """
    simplified = _SchemaSimplifier(schema, formats).node(schema, (), 0, unsaid="object")
    if simplified["type"] != "object":
        raise SchemaUnfit("The parameters of a tool must be of type object.")
    return simplified


class _SchemaSimplifier:
    def __init__(self, root: JSONObject, formats: frozenset[str] | None) -> None:
        self._root = root
        self._formats = formats
        self._nodes = 0

    def node(
        self, schema: Any, within: tuple[str, ...], depth: int, *, unsaid: str = "string"
    ) -> JSONObject:
        """Narrow a node; `within` are the references that lead to it, `unsaid` its default type."""
        self._nodes += 1
        if depth > DEPTH_MAX or self._nodes > NODES_MAX:
            raise SchemaUnfit(
                "The schema is too deep or too large once its references are followed."
            )
        flat, within = self._flat(schema, within, depth)
        kind = _kind(flat, unsaid)
        simplified: JSONObject = {"type": kind}
        simplified.update((key, value) for key, value in flat.items() if key in _KEPT)
        if self._formats is not None and simplified.get("format") not in self._formats:
            simplified.pop("format", None)
        choices = _choices(flat, kind)
        if choices:
            simplified["enum"] = choices
        if kind == "object":
            self._object(flat, simplified, within, depth)
        elif kind == "array":
            items = flat.get("items", flat.get("prefixItems", {}))
            if isinstance(items, list):
                items = items[0] if items else {}
            simplified["items"] = self.node(items, within, depth + 1)
        return simplified

    def _object(
        self, flat: JSONObject, simplified: JSONObject, within: tuple[str, ...], depth: int
    ) -> None:
        properties = flat.get("properties", {})
        if not isinstance(properties, Mapping):
            raise SchemaUnfit("`properties` must be an object.")
        simplified["properties"] = {
            name: self.node({} if value is None else value, within, depth + 1)
            for name, value in properties.items()
            if value is not False
        }
        required = flat.get("required")
        if isinstance(required, list):
            known = [
                name
                for name in required
                if isinstance(name, str) and name in simplified["properties"]
            ]
            if known:
                simplified["required"] = known
        additional = flat.get("additionalProperties")
        if isinstance(additional, bool):
            simplified["additionalProperties"] = additional
        elif isinstance(additional, Mapping) and additional:
            simplified["additionalProperties"] = self.node(additional, within, depth + 1)

    def _flat(
        self, schema: Any, within: tuple[str, ...], depth: int
    ) -> tuple[JSONObject, tuple[str, ...]]:
        """Resolve references, unions and `allOf` of one node, and nothing below it."""
        if depth > DEPTH_MAX:
            raise SchemaUnfit("The schema is too deep once its references are followed.")
        if isinstance(schema, bool):
            schema = {}
        if not isinstance(schema, Mapping):
            raise SchemaUnfit("A schema must be an object.")
        flat = said(schema)
        reference = flat.pop("$ref", None)
        if reference is not None:
            target = target_of(self._root, reference)
            if reference in within:
                cut = {"type": _kind(target), "description": f"Nested {last_name(reference)}"}
                return _merged(_without_structure(flat), cut), within
            within = (*within, reference)
            deeper, within = self._flat(target, within, depth + 1)
            flat = _merged(flat, deeper)
        for union in ("anyOf", "oneOf"):
            branches = flat.pop(union, None)
            if isinstance(branches, list):
                branch, within = self._branch(branches, within, depth)
                flat = _merged(flat, branch)
        parts = flat.pop("allOf", None)
        if isinstance(parts, list):
            for part in parts:
                deeper, within = self._flat(part, within, depth + 1)
                flat = _merged(flat, deeper)
        return flat, within

    def _branch(
        self, branches: list[Any], within: tuple[str, ...], depth: int
    ) -> tuple[JSONObject, tuple[str, ...]]:
        live = [branch for branch in branches if not _is_null(branch) and not _is_never(branch)]
        if not live:
            return {"type": "null"}, within
        if len(live) > 1 and all(
            isinstance(branch, Mapping) and _values(branch) for branch in live
        ):
            return {"enum": [value for branch in live for value in _values(branch)]}, within
        return self._flat(live[0], within, depth + 1)


def _merged(first: JSONObject, second: JSONObject) -> JSONObject:
    """Join two schemas that both hold; where they differ on a keyword, the first has it."""
    merged = {**second, **first}
    for key in ("properties", "required"):
        kept, other = first.get(key), second.get(key)
        if isinstance(kept, Mapping) and isinstance(other, Mapping):
            merged[key] = {**other, **kept}
        elif isinstance(kept, list) and isinstance(other, list):
            merged[key] = [*kept, *(name for name in other if name not in kept)]
    return merged


def _kind(schema: JSONObject, unsaid: str = "string") -> str:
    """Find the one type of a node, or guess it from its other keywords."""
    kinds = schema.get("type")
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if isinstance(kind, str) and kind in _TYPES and kind != "null":
            return str(kind)
    if kinds in ("null", ["null"]):
        return "null"
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    values = _values(schema)
    return _kind_of(values[0]) if values else unsaid


def _kind_of(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case Mapping():
            return "object"
        case list():
            return "array"
        case _:
            return "string"


def _values(schema: Mapping[str, Any]) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    enumerated = schema.get("enum")
    return enumerated if isinstance(enumerated, list) else []


def _choices(schema: JSONObject, kind: str) -> list[Any]:
    return [value for value in _values(schema) if value is not None and _suits(value, kind)]


def _suits(value: Any, kind: str) -> bool:
    found = _kind_of(value)
    return found == kind or (found == "integer" and kind == "number")


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and (
        schema.get("type") in ("null", ["null"]) or _values(schema) == [None]
    )


def _is_never(schema: Any) -> bool:
    """Say whether this is how a generator writes a branch that nothing fits."""
    return schema is False or (isinstance(schema, Mapping) and schema.get("not") in ({}, True))


def _without_structure(schema: JSONObject) -> JSONObject:
    return {key: value for key, value in schema.items() if key in ("title", "description")}
