"""A caller's JSON Schema -> the plain dialect that its checks run on: well formed, bounded, harmless."""

import re
from collections.abc import Callable
from typing import Any

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
    """The message says what is wrong, and where."""


def plain(schema: JSONObject) -> JSONObject:
    """Rewrite a schema of any draft from 4 on so that a validator of draft 2020-12 may be let at it.

    `pattern`, `patternProperties` and `format` are left out, for no caller's expression may run in a
    backtracking engine; so is `additionalProperties` beside such patterns. References are put under
    `$defs`; those that lead out of the schema are refused. What is only told and not checked goes
    unread. A null is an absent keyword.

    Raises NotASchema.
    """
    return _Plainer(schema).whole()


class _Plainer:
    def __init__(self, root: JSONObject) -> None:
        self._root = root
        self._nodes = 0
        self._names: dict[str, str] = {}
        self._waiting: list[str] = []
        self._has_patterns = _mentions(root, "patternProperties")

    def whole(self) -> JSONObject:
        told = self._schema(self._root, "", 0)
        definitions: JSONObject = {}
        while self._waiting:
            reference = self._waiting.pop()
            target = self._target(reference)
            definitions[self._names[reference]] = self._schema(target, reference, 0)
        if isinstance(told, bool):
            return {} if told else {"not": {}}
        return {**told, "$defs": definitions} if definitions else told

    def _schema(self, schema: Any, where: str, depth: int) -> Any:
        self._nodes += 1
        if depth > DEPTH_MAX or self._nodes > NODES_MAX:
            raise NotASchema("it is too deep or too large")
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise NotASchema(f"{where or 'it'} must be an object or a boolean")
        told = {name: value for name, value in schema.items() if value is not None}
        made: JSONObject = {}
        if "const" in schema:
            made["const"] = schema["const"]
        self._references(told, made, where)
        self._values(told, made, where)

        def inner(value: Any, *steps: object) -> Any:
            return self._schema(value, "/".join(map(str, (where, *steps))), depth + 1)

        self._applicators(told, made, where, inner)
        self._items(told, made, inner)
        self._dependencies(told, made, where, inner)
        return made

    def _references(self, told: JSONObject, made: JSONObject, where: str) -> None:
        reference = told.get("$ref", told.get("$recursiveRef"))
        if reference is None:
            return
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise NotASchema(f"{where}/$ref leads out of the schema, which no reference may")
        if reference not in self._names:
            self._target(reference)
            self._names[reference] = f"r{len(self._names)}"
            self._waiting.append(reference)
        made["$ref"] = f"#/$defs/{self._names[reference]}"

    def _target(self, reference: str) -> Any:
        pointer = reference[1:]
        if pointer and not pointer.startswith("/"):
            found = _anchored(self._root, pointer)
            if found is not None:
                return found
            raise NotASchema(f"the reference {reference} leads nowhere")
        node: Any = self._root
        for step in pointer.split("/")[1:]:
            for escape, letter in _POINTER_ESCAPES:
                step = step.replace(escape, letter)
            if isinstance(node, dict) and step in node:
                node = node[step]
            elif isinstance(node, list) and re.fullmatch("[0-9]{1,4}", step):
                node = node[int(step)] if int(step) < len(node) else None
            else:
                raise NotASchema(f"the reference {reference} leads nowhere")
        return node

    def _values(self, told: JSONObject, made: JSONObject, where: str) -> None:
        """Take over the keywords whose values are no schemas."""
        if "type" in told:
            kinds = told["type"]
            for kind in kinds if isinstance(kinds, list) and kinds else [kinds]:
                if not isinstance(kind, str) or kind not in _TYPES:
                    raise NotASchema(f"{where}/type: {kind!r} is no type")
            made["type"] = kinds
        if "enum" in told:
            made["enum"] = _list(told["enum"], f"{where}/enum")
        if "required" in told:
            made["required"] = _texts(told["required"], f"{where}/required")
        for name in (*_NUMBERS, *_EXCLUSIVE):
            # Draft 4 makes `minimum` exclusive with a flag beside it.
            if name in told and not (name in _EXCLUSIVE and isinstance(told[name], bool)):
                made[name] = _number(told[name], f"{where}/{name}")
        if made.get("multipleOf", 1) <= 0:
            raise NotASchema(f"{where}/multipleOf must be above 0")
        for name in _COUNTS:
            if name in told:
                count = _number(told[name], f"{where}/{name}")
                if count < 0 or count != int(count):
                    raise NotASchema(f"{where}/{name} must be a whole number from 0 up")
                made[name] = int(count)
        if "uniqueItems" in told:
            if not isinstance(told["uniqueItems"], bool):
                raise NotASchema(f"{where}/uniqueItems must be true or false")
            made["uniqueItems"] = told["uniqueItems"]

    def _applicators(
        self, told: JSONObject, made: JSONObject, where: str, inner: Callable[..., Any]
    ) -> None:
        for name in _ONE_SCHEMA:
            if name in told:
                made[name] = inner(told[name], name)
        for name in _UNEVALUATED:
            if name in told and not self._has_patterns:
                made[name] = inner(told[name], name)
        if "patternProperties" in told:
            made.pop("additionalProperties", None)
        for name in _SCHEMA_LISTS:
            if name in told:
                parts = _list(told[name], f"{where}/{name}")
                if not parts and name != "prefixItems":
                    raise NotASchema(f"{where}/{name} must not be empty")
                made[name] = [inner(part, name, index) for index, part in enumerate(parts)]
        for name in _SCHEMA_MAPS:
            if name in told:
                named = _object(told[name], f"{where}/{name}")
                made[name] = {key: inner(part, name, key) for key, part in named.items()}

    def _items(self, told: JSONObject, made: JSONObject, inner: Callable[..., Any]) -> None:
        items = told.get("items")
        if isinstance(items, list):  # what `prefixItems` was called before draft 2020-12
            made["prefixItems"] = [inner(one, "items", index) for index, one in enumerate(items)]
            if "additionalItems" in told:
                made["items"] = inner(told["additionalItems"], "additionalItems")
        elif items is not None:
            made["items"] = inner(items, "items")

    def _dependencies(
        self, told: JSONObject, made: JSONObject, where: str, inner: Callable[..., Any]
    ) -> None:
        required = dict(_object(told.get("dependentRequired", {}), f"{where}/dependentRequired"))
        schemas = made.get("dependentSchemas", {})
        for name, part in _object(told.get("dependencies", {}), f"{where}/dependencies").items():
            if isinstance(part, list):
                required[name] = part
            else:
                schemas[name] = inner(part, "dependencies", name)
        for name, part in required.items():
            required[name] = _texts(part, f"{where}/dependentRequired/{name}")
        if required:
            made["dependentRequired"] = required
        if schemas:
            made["dependentSchemas"] = schemas


def _mentions(node: Any, keyword: str) -> bool:
    return any(keyword in one for one in _objects(node))


def _anchored(root: JSONObject, name: str) -> Any:
    return next((one for one in _objects(root) if one.get("$anchor") == name), None)


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
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
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
