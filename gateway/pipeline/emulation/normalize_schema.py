"""Rewrite a caller's JSON Schema of any draft as a bounded subset of draft 2020-12 that is safe to run."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from gateway.providers.chat_types import JSONObject

DEPTH_MAX = 64
NODES_MAX = 10_000

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_ONE_SCHEMA = ("additionalProperties", "contains", "else", "if", "not", "propertyNames", "then")
_UNEVALUATED = ("unevaluatedItems", "unevaluatedProperties")
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SCHEMA_MAPS = ("dependentSchemas", "properties")
_NUMBERS = ("maximum", "minimum", "multipleOf")
_EXCLUSIVE = ("exclusiveMaximum", "exclusiveMinimum")
_COUNTS = (
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
)
_POINTER_ESCAPES = (("~1", "/"), ("~0", "~"))


class NotASchema(ValueError):
    """The schema is invalid; the message says what and where."""


def plain(schema: JSONObject) -> JSONObject:
    """Rewrite a schema of draft 4 or later for a validator of draft 2020-12.

    `pattern`, `patternProperties` and `format` are dropped, for no expression of a caller may run in a
    backtracking engine; so is `additionalProperties` beside such patterns. Targets of references move to
    `$defs`; remote references are refused. Annotations are dropped. A null keyword counts as absent, and a
    null schema of a property as one that allows anything.

    Raises NotASchema.
    """
    return _SchemaNormalizer(schema).whole()


class _SchemaNormalizer:
    def __init__(self, root: JSONObject) -> None:
        self._root = root
        self._nodes = 0
        self._names: dict[str, str] = {}
        self._waiting: list[str] = []
        self._has_patterns = _mentions(root, "patternProperties")

    def whole(self) -> JSONObject:
        root = self._schema(self._root, "", 0)
        definitions: JSONObject = {}
        while self._waiting:
            reference = self._waiting.pop()
            target = self._target(reference)
            definitions[self._names[reference]] = self._schema(target, reference, 0)
        if isinstance(root, bool):
            return {} if root else {"not": {}}
        return {**root, "$defs": definitions} if definitions else root

    def _schema(self, schema: Any, where: str, depth: int) -> Any:
        self._nodes += 1
        if depth > DEPTH_MAX or self._nodes > NODES_MAX:
            raise NotASchema("it is too deep or too large")
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise NotASchema(f"{where or 'it'} must be an object or a boolean")
        given = {name: value for name, value in schema.items() if value is not None}
        written: JSONObject = {}
        if "const" in schema:
            written["const"] = schema["const"]
        self._references(given, written, where)
        self._values(given, written, where)

        def inner(value: Any, *steps: object) -> Any:
            return self._schema(value, "/".join(map(str, (where, *steps))), depth + 1)

        self._applicators(given, written, where, inner)
        self._items(given, written, inner)
        self._dependencies(given, written, where, inner)
        return written

    def _references(self, given: JSONObject, written: JSONObject, where: str) -> None:
        reference = given.get("$ref", given.get("$recursiveRef"))
        if reference is None:
            return
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise NotASchema(f"{where}/$ref leads out of the schema, which no reference may")
        if reference not in self._names:
            self._target(reference)
            self._names[reference] = f"r{len(self._names)}"
            self._waiting.append(reference)
        written["$ref"] = f"#/$defs/{self._names[reference]}"

    def _target(self, reference: str) -> Any:
        pointer = reference[1:]
        if pointer and not pointer.startswith("/"):
            found = _anchored(self._root, unquote(pointer))
            if found is not None:
                return found
            raise NotASchema(f"the reference {reference} leads nowhere")
        node: Any = self._root
        for step in unquote(pointer).split("/")[1:]:
            for escape, letter in _POINTER_ESCAPES:
                step = step.replace(escape, letter)
            if isinstance(node, dict) and step in node:
                node = node[step]
            elif isinstance(node, list) and re.fullmatch("[0-9]{1,4}", step):
                node = node[int(step)] if int(step) < len(node) else None
            else:
                raise NotASchema(f"the reference {reference} leads nowhere")
        return node

    def _values(self, given: JSONObject, written: JSONObject, where: str) -> None:
        """Copy the keywords whose values are not schemas."""
        if "type" in given:
            kinds = given["type"]
            for kind in kinds if isinstance(kinds, list) and kinds else [kinds]:
                if not isinstance(kind, str) or kind not in _TYPES:
                    raise NotASchema(
                        f"{where}/type: {kind!r} is none of {', '.join(sorted(_TYPES))}"
                    )
            written["type"] = kinds
        if "enum" in given:
            written["enum"] = _list(given["enum"], f"{where}/enum")
        if "required" in given:
            written["required"] = _texts(given["required"], f"{where}/required")
        for name in (*_NUMBERS, *_EXCLUSIVE):
            # In draft 4 these are flags beside `minimum` and `maximum`.
            if name in given and not (name in _EXCLUSIVE and isinstance(given[name], bool)):
                written[name] = _number(given[name], f"{where}/{name}")
        if written.get("multipleOf", 1) <= 0:
            raise NotASchema(f"{where}/multipleOf must be above 0")
        for name in _COUNTS:
            if name in given:
                count = _number(given[name], f"{where}/{name}")
                if count < 0 or count != int(count):
                    raise NotASchema(f"{where}/{name} must be a whole number from 0 up")
                written[name] = int(count)
        if "uniqueItems" in given:
            if not isinstance(given["uniqueItems"], bool):
                raise NotASchema(f"{where}/uniqueItems must be true or false")
            written["uniqueItems"] = given["uniqueItems"]

    def _applicators(
        self, given: JSONObject, written: JSONObject, where: str, inner: Callable[..., Any]
    ) -> None:
        for name in _ONE_SCHEMA:
            if name in given:
                written[name] = inner(given[name], name)
        for name in _UNEVALUATED:
            if name in given and not self._has_patterns:
                written[name] = inner(given[name], name)
        if "patternProperties" in given:
            written.pop("additionalProperties", None)
        for name in _SCHEMA_LISTS:
            if name in given:
                parts = _list(given[name], f"{where}/{name}")
                if not parts and name != "prefixItems":
                    raise NotASchema(f"{where}/{name} must not be empty")
                written[name] = [inner(part, name, index) for index, part in enumerate(parts)]
        for name in _SCHEMA_MAPS:
            if name in given:
                named = _object(given[name], f"{where}/{name}")
                written[name] = {
                    key: True if part is None else inner(part, name, key)
                    for key, part in named.items()
                }

    def _items(self, given: JSONObject, written: JSONObject, inner: Callable[..., Any]) -> None:
        items = given.get("items")
        if isinstance(items, list):  # what `prefixItems` was called before draft 2020-12
            written["prefixItems"] = [
                inner(item, "items", index) for index, item in enumerate(items)
            ]
            if "additionalItems" in given:
                written["items"] = inner(given["additionalItems"], "additionalItems")
        elif items is not None:
            written["items"] = inner(items, "items")

    def _dependencies(
        self, given: JSONObject, written: JSONObject, where: str, inner: Callable[..., Any]
    ) -> None:
        required = dict(_object(given.get("dependentRequired", {}), f"{where}/dependentRequired"))
        schemas = written.get("dependentSchemas", {})
        for name, part in _object(given.get("dependencies", {}), f"{where}/dependencies").items():
            if isinstance(part, list):
                required[name] = part
            else:
                schemas[name] = inner(part, "dependencies", name)
        for name, part in required.items():
            required[name] = _texts(part, f"{where}/dependentRequired/{name}")
        if required:
            written["dependentRequired"] = required
        if schemas:
            written["dependentSchemas"] = schemas


def _mentions(node: Any, keyword: str) -> bool:
    return any(schema.get(keyword) is not None for schema in _objects(node))


def _anchored(root: JSONObject, name: str) -> Any:
    return next((node for node in _objects(root) if node.get("$anchor") == name), None)


def _objects(root: Any) -> list[JSONObject]:
    found: list[JSONObject] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            found.append(node)
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return found


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise NotASchema(f"{where} must be a list")
    return value


def _texts(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise NotASchema(f"{where} must be a list of strings")
    return value


def _object(value: Any, where: str) -> JSONObject:
    if not isinstance(value, dict):
        raise NotASchema(f"{where} must be an object")
    return value


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotASchema(f"{where} must be a number")
    return value
