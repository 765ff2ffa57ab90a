"""The few forms of JSON Schema that the document is made of; other keywords pass as they are."""

from collections.abc import Iterable, Mapping
from typing import Any

JSONObject = dict[str, Any]

NO_CONTROL_CHARACTERS = r"^[^\u0000-\u001f\u007f]*$"


def ref(name: str) -> JSONObject:
    """Point at a schema among the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str = "", **keywords: Any) -> JSONObject:
    return _schema("string", description, keywords)


def line(longest: int, description: str = "", **keywords: Any) -> JSONObject:
    """Describe a text of `longest` characters at most, without control characters."""
    return text(description, maxLength=longest, pattern=NO_CONTROL_CHARACTERS, **keywords)


def whole(description: str = "", **keywords: Any) -> JSONObject:
    return _schema("integer", description, keywords)


def number(description: str = "", **keywords: Any) -> JSONObject:
    return _schema("number", description, keywords)


def flag(description: str = "", **keywords: Any) -> JSONObject:
    return _schema("boolean", description, keywords)


def array(items: JSONObject, description: str = "", **keywords: Any) -> JSONObject:
    return _schema("array", description, {"items": items, **keywords})


def texts(*, most: int, longest: int, description: str, fewest: int = 0) -> JSONObject:
    """Describe a list of texts, or one text, which is a list of one."""
    item = text(minLength=1, maxLength=longest)
    return {
        "description": description,
        "anyOf": [item, array(item, minItems=fewest, maxItems=most)],
    }


def record(
    properties: Mapping[str, JSONObject],
    description: str = "",
    *,
    optional: Iterable[str] = (),
    **keywords: Any,
) -> JSONObject:
    """Describe an object of an answer: every property is there, but for the `optional` ones."""
    required = [name for name in properties if name not in set(optional)]
    fields = {"properties": dict(properties), "required": required}
    return _schema("object", description, fields | keywords)


def form(
    properties: Mapping[str, JSONObject],
    description: str = "",
    *,
    required: Iterable[str] = (),
    **keywords: Any,
) -> JSONObject:
    """Describe an object of a request: a property is absent, null, or as described, but for the `required`."""
    needed = list(required)
    fields: JSONObject = {
        "properties": {
            name: schema if name in needed else nullable(schema)
            for name, schema in properties.items()
        }
    }
    if needed:
        fields["required"] = needed
    return _schema("object", description, fields | keywords)


def nullable(schema: JSONObject) -> JSONObject:
    """Let a schema take null too."""
    if "enum" in schema:
        schema = schema | {"enum": [*schema["enum"], None]}
    if isinstance(schema.get("type"), list) or schema.get("type") == "null":
        return schema
    if "type" in schema:
        return schema | {"type": [schema["type"], "null"]}
    null = {"type": "null"}
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], null]}
    return {"anyOf": [schema, null]}


def _schema(kind: str, description: str, keywords: Mapping[str, Any]) -> JSONObject:
    schema: JSONObject = {"type": kind}
    if description:
        schema["description"] = description
    return schema | dict(keywords)
