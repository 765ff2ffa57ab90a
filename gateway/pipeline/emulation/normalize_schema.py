"""Rewrite a caller's JSON Schema of any draft as a bounded subset of draft 2020-12 that is safe to run."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from gateway.pipeline.emulation.ecma_pattern import compiled
from gateway.providers.chat_types import JSONObject

DEPTH_MAX = 64
NODES_MAX = 10_000
PATTERNS_MAX = 100
PATTERN_COST_MAX = 150_000
"""Instructions into which all patterns of a schema may compile, which takes some 50 ms."""

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


def plain(schema: JSONObject, *, has_patterns: bool = True) -> JSONObject:
    """Rewrite a schema of draft 4 or later for a validator of draft 2020-12.

    `format` is dropped, and so is a pattern that cannot be searched for in linear time, with what follows
    from it: `additionalProperties` beside such a one, and all that says no where something fits it.
    Without `has_patterns` none is compiled, and all are dropped. Targets of references move to `$defs`;
    remote references are refused. Annotations are dropped. A null keyword counts as absent, and a null
    schema of a property as one that allows anything.

    Raises NotASchema.
    """
    return _SchemaNormalizer(schema, has_patterns).whole()


def dropped_patterns(schema: JSONObject) -> list[str]:
    """Return where stands what `plain` drops for its patterns, as `properties.code.pattern`.

    Raises NotASchema.
    """
    if not any(_mentions(schema, keyword) for keyword in ("pattern", "patternProperties")):
        return []
    normalizer = _SchemaNormalizer(schema, has_patterns=True)
    normalizer.whole()
    return [where.lstrip("#/").replace("/", ".") for where in normalizer.dropped]


class _SchemaNormalizer:
    def __init__(self, root: JSONObject, has_patterns: bool) -> None:
        self._root = root
        self._nodes = 0
        self._names: dict[str, str] = {}
        self._waiting: list[str] = []
        self._patterns: dict[str, bool] = {}
        self._pattern_cost = 0 if has_patterns else PATTERN_COST_MAX
        self._is_partial = any(map(self._says_more, _objects(root)))
        # The library looks for a pattern's properties here by an engine that backtracks.
        self._has_unevaluated = not _mentions(root, "patternProperties") and not (
            self._is_partial
            and any(self._is_uncertain(schema.get("if")) for schema in _objects(root))
        )
        self.dropped: list[str] = []

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
        self._patterned(given, written, where, inner)
        if self._is_partial:
            self._relax(given, written)
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
        pattern = given.get("pattern")
        if isinstance(pattern, str):
            if self._is_searchable(pattern):
                written["pattern"] = pattern
            else:
                self.dropped.append(f"{where}/pattern")
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
            if name in given:
                part = inner(given[name], name)
                if self._has_unevaluated:
                    written[name] = part
                else:
                    self.dropped.append(f"{where}/{name}")
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

    def _patterned(
        self, given: JSONObject, written: JSONObject, where: str, inner: Callable[..., Any]
    ) -> None:
        """Write `patternProperties` as far as they can be searched for."""
        if "patternProperties" not in given:
            return
        named = _object(given["patternProperties"], f"{where}/patternProperties")
        parts = {key: inner(part, "patternProperties", key) for key, part in named.items()}
        written["patternProperties"] = {
            key: part for key, part in parts.items() if self._is_searchable(key)
        }
        if len(written["patternProperties"]) < len(parts):
            self.dropped.append(f"{where}/patternProperties")
            written.pop("additionalProperties", None)

    def _relax(self, given: JSONObject, written: JSONObject) -> None:
        """Drop what says no where something fits a schema that is not written whole.

        More may fit that than the caller means, and what he allows must not be refused.
        """
        if self._is_uncertain(given.get("not")):
            written.pop("not", None)
        if self._is_uncertain(given.get("if")):
            for name in ("if", "then", "else"):
                written.pop(name, None)
        if "oneOf" in written and self._is_uncertain(given["oneOf"]):
            written.setdefault("allOf", []).append({"anyOf": written.pop("oneOf")})
        if self._is_uncertain(given.get("contains")):
            written.pop("maxContains", None)

    def _is_uncertain(self, part: Any) -> bool:
        return any(
            self._says_more(node) or "$ref" in node or "$recursiveRef" in node
            for node in _objects(part)
        )

    def _says_more(self, node: JSONObject) -> bool:
        """Say whether what is written of this schema allows more than the schema does."""
        patterns = node.get("patternProperties")
        named = [*patterns] if isinstance(patterns, dict) else []
        named += [node["pattern"]] if isinstance(node.get("pattern"), str) else []
        return isinstance(node.get("format"), str) or not all(map(self._is_searchable, named))

    def _is_searchable(self, pattern: str) -> bool:
        known = self._patterns.get(pattern)
        if known is None:
            known = False
            if len(self._patterns) < PATTERNS_MAX and self._pattern_cost < PATTERN_COST_MAX:
                expression, cost = compiled(pattern)
                self._pattern_cost += cost
                known = expression is not None
            self._patterns[pattern] = known
        return known

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
