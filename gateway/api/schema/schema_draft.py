"""A caller's JSON Schema as draft 2020-12 writes it, so that it means the same to every reader and provider.

Generators write earlier drafts, OpenAPI's words, null and PHP's empty list where they mean nothing. What is
wrong beyond that stays as it is, and is refused by its name. Sources: mark3labs/mcp-go #224 (null keywords),
modelcontextprotocol/php-sdk #405 (`properties: []`), Dokploy/mcp #74 (flags of draft 4), Effect-TS/effect
#4116 (tuples of draft 7), ProfSynapse/nexus #5 (repeated names), spring-projects/spring-ai #5888 (nested
definitions); json-schema.org, release notes of drafts 4 to 2020-12.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from gateway.providers.chat_types import JSONObject
from infra import exact_json

_SCHEMAS = frozenset(
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
_SCHEMA_LISTS = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
_DEFINITIONS = ("$defs", "definitions")
_SCHEMA_MAPS = frozenset(
    {*_DEFINITIONS, "dependencies", "dependentSchemas", "patternProperties", "properties"}
)
_NULL_MEANS_NULL = frozenset({"const", "default"})
_WORDS = frozenset({"$comment", "description", "title"})
"""What people read: of another type, it is written as text."""

_ADDRESSES = frozenset({"$id", "$schema"})
_FORMS = frozenset({"contentEncoding", "contentMediaType", "format", "pattern"})
_FLAGS = frozenset({"deprecated", "readOnly", "writeOnly"})
_TYPES = {**dict.fromkeys(_ADDRESSES | _FORMS, str), **dict.fromkeys(_FLAGS, bool)}
"""Keywords that are left out where they have another type."""

_NAME_LISTS = frozenset({"required", "type"})
_BOUNDS = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))
_EARLIER_REFERENCES = ("$recursiveRef", "$dynamicRef")


def in_present_draft(schema: JSONObject) -> JSONObject:
    """Return the schema as draft 2020-12 writes it; of a bounded depth, as bodies are.

    A null keyword is an absent one, and a null schema of a property allows anything; values within `enum`,
    `const`, `default` and `examples` stay. References to the schema's own address become pointers, and
    definitions that stand elsewhere than at the root come there if a reference looks for them.
    """
    written = _in_present_draft(schema)
    own_address = schema.get("$id", schema.get("id"))
    if isinstance(own_address, str) and (base := own_address.rstrip("#")):
        for node in _referring(written):
            if node["$ref"].startswith(f"{base}#"):
                node["$ref"] = node["$ref"].removeprefix(base)
    _lift_definitions(written)
    return written


def _in_present_draft(schema: JSONObject) -> JSONObject:
    written = {
        name: _cleaned(name, value)
        for name, value in schema.items()
        if (value is not None or name in _NULL_MEANS_NULL)
        and (name not in _TYPES or isinstance(value, _TYPES[name]))
    }
    for exclusive, bound in _BOUNDS:
        flag = written.get(exclusive)
        if isinstance(flag, bool):
            del written[exclusive]
            if flag and bound in written:
                written[exclusive] = written.pop(bound)
    if isinstance(written.get("items"), list):
        _write_tuple(written)
    _write_names(written)
    return written


def _cleaned(keyword: str, value: Any) -> Any:
    if keyword in _SCHEMA_LISTS and isinstance(value, list):
        return [_schema(item) for item in value]
    if keyword in _SCHEMAS:
        return _schema(value)
    if keyword in _SCHEMA_MAPS:
        return _schemas_by_name(value)
    if keyword in _NAME_LISTS:
        return _once(value)
    if keyword == "dependentRequired" and isinstance(value, dict):
        return {name: _once(names) for name, names in value.items()}
    if keyword in _WORDS and not isinstance(value, str):
        return exact_json.dumps(value).decode()
    if keyword == "examples" and not isinstance(value, list):
        return [value]
    return value


def _schemas_by_name(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: {} if item is None else _schema(item) for name, item in value.items()}
    return {} if value == [] else value


def _schema(value: Any) -> Any:
    """Return a schema; what is none stays, but for an empty list, and for names of draft 7's `dependencies`."""
    if isinstance(value, dict):
        return _in_present_draft(value)
    return {} if value == [] else _once(value)


def _once(names: Any) -> Any:
    """Return a list of names with each but once."""
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return list(dict.fromkeys(names))
    return names


def _write_tuple(written: JSONObject) -> None:
    """Write what draft 7 calls `items` and `additionalItems`."""
    first = written.pop("items")
    if first:
        written["prefixItems"] = first
        if "additionalItems" in written:
            written["items"] = written["additionalItems"]
    written.pop("additionalItems", None)


def _write_names(written: JSONObject) -> None:
    """Write the names by which a schema is referred to, and references that were dynamic."""
    if "#" in (address := written.get("$id", "").rstrip("#")):
        del written["$id"]
        if address.startswith("#"):
            written["$anchor"] = address[1:]
    if isinstance(anchor := written.pop("$dynamicAnchor", None), str):
        written["$anchor"] = anchor
    written.pop("$recursiveAnchor", None)
    for earlier in _EARLIER_REFERENCES:
        if isinstance(reference := written.pop(earlier, None), str):
            written.setdefault("$ref", reference)


def _lift_definitions(root: JSONObject) -> None:
    for keyword in _DEFINITIONS:
        at_root = root.get(keyword, {})
        if not isinstance(at_root, dict):
            continue
        sought = set(_names_sought(root, f"#/{keyword}/")) - at_root.keys()
        for node in list(_nodes(root)) if sought else ():
            inner = node.get(keyword)
            if isinstance(inner, dict):
                for name in sought & inner.keys():
                    root.setdefault(keyword, {})[name] = inner[name]
                    sought.discard(name)


def _names_sought(root: JSONObject, prefix: str) -> Iterator[str]:
    for node in _referring(root):
        if node["$ref"].startswith(prefix):
            name = unquote(node["$ref"]).split("/")[2]
            yield name.replace("~1", "/").replace("~0", "~")


def _referring(root: JSONObject) -> Iterator[JSONObject]:
    return (node for node in _nodes(root) if isinstance(node.get("$ref"), str))


def _nodes(root: JSONObject) -> Iterator[JSONObject]:
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
