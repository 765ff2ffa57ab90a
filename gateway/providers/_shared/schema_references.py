"""References within a JSON Schema, and a schema with all of them put in place."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from gateway.providers.chat_types import JSONObject

DEPTH_MAX = 64
NODES_MAX = 5_000
_ONE = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_LISTS = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
_MAPS = frozenset({"dependentSchemas", "patternProperties", "properties"})
_LEFT_OUT = frozenset({"$anchor", "$defs", "$id", "$ref", "$schema", "definitions"})


class SchemaUnfit(ValueError):
    """The schema is no schema, refers to what is not in it, or unfolds without end."""


def inline_references(schema: JSONObject) -> JSONObject:
    """Return the schema without `$ref` and definitions, every other keyword as it was.

    A recursion is cut at its second turn. Every node of type object has `properties`. A null keyword is an
    absent one.

    Raises SchemaUnfit.
    """
    inlined = _ReferenceInliner(schema).node(schema, (), 0)
    if not isinstance(inlined, dict):
        raise SchemaUnfit("A schema must be an object.")
    return inlined


def inline_parameters(schema: JSONObject) -> JSONObject:
    """Inline the schema of a tool's parameters: an object, also where it does not say so.

    Raises SchemaUnfit, also when it is some other type.
    """
    inlined = inline_references(schema)
    kinds = inlined.get("type", "object")
    if "object" not in (kinds if isinstance(kinds, list) else [kinds]):
        raise SchemaUnfit("The parameters of a tool must be of type object.")
    return {"properties": {}, **inlined, "type": "object"}


def target_of(root: JSONObject, reference: Any) -> JSONObject:
    """Return the schema that a `$ref` names, by RFC 6901 or by its `$anchor`. Raises SchemaUnfit."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        raise SchemaUnfit(f"The reference {reference!r} leads out of the schema.")
    anchor, *steps = unquote(reference[1:]).split("/")
    node: Any = _anchored(root, anchor) if anchor else root
    for step in steps:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            raise SchemaUnfit(f"The reference {reference!r} leads nowhere.")
    if not isinstance(node, Mapping):
        raise SchemaUnfit(f"The reference {reference!r} leads to no schema.")
    return said(node)


def _anchored(root: JSONObject, name: str) -> JSONObject | None:
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            if node.get("$anchor") == name:
                return dict(node)
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return None


def said(schema: Mapping[str, Any]) -> JSONObject:
    """Return the schema without its null keywords; null is a value of `const` alone."""
    return {key: value for key, value in schema.items() if value is not None or key == "const"}


def last_name(reference: str) -> str:
    """Return what people call the schema that a `$ref` names."""
    return reference.rpartition("/")[2].strip("#") or "schema"


class _ReferenceInliner:
    def __init__(self, root: JSONObject) -> None:
        self._root = root
        self._nodes = 0

    def node(self, schema: Any, within: tuple[str, ...], depth: int) -> JSONObject | bool:
        """Inline a node; `within` are the references that lead to it."""
        self._nodes += 1
        if depth > DEPTH_MAX or self._nodes > NODES_MAX:
            raise SchemaUnfit(
                "The schema is too deep or too large once its references are followed."
            )
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, Mapping):
            raise SchemaUnfit("A schema must be an object.")
        own = said(schema)
        if (reference := own.get("$ref")) is not None:
            target = target_of(self._root, reference)
            if reference in within:
                cut: JSONObject = {"description": f"Nested {last_name(reference)}"}
                if isinstance(kind := target.get("type"), str):
                    cut["type"] = kind
                return _with_properties({**cut, **_annotations(own)})
            followed = self.node(target, (*within, reference), depth + 1)
            siblings = {key: value for key, value in own.items() if key not in _LEFT_OUT}
            if not siblings or isinstance(followed, bool):
                return followed
            if siblings.keys() <= {"title", "description", "default", "examples"}:
                return {**followed, **siblings}
            return {"allOf": [followed, self.node(siblings, within, depth + 1)]}
        return _with_properties(
            {
                key: self._value(key, value, within, depth)
                for key, value in own.items()
                if key not in _LEFT_OUT
            }
        )

    def _value(self, key: str, value: Any, within: tuple[str, ...], depth: int) -> Any:
        if key in _LISTS and isinstance(value, list):
            return [self.node(item, within, depth + 1) for item in value]
        if key in _ONE:
            return self.node(value, within, depth + 1)
        if key in _MAPS:
            if not isinstance(value, Mapping):
                raise SchemaUnfit(f"`{key}` must be an object.")
            return {
                name: self.node({} if item is None else item, within, depth + 1)
                for name, item in value.items()
            }
        return value


def _with_properties(node: JSONObject) -> JSONObject:
    if node.get("type") == "object" and "properties" not in node:
        return {**node, "properties": {}}
    return node


def _annotations(schema: JSONObject) -> JSONObject:
    return {key: schema[key] for key in ("title", "description") if key in schema}
