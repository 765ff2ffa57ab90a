"""The OpenAPI document as the tests read it: operations, examples, closed schemas."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from gateway.api.schema.openapi.document import document

JSONObject = dict[str, Any]

DOCUMENT = document("https://api.example.ru")


def operations() -> Iterator[tuple[str, str, JSONObject]]:
    """Yield method, path and Operation Object."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def check(value: object, name: str) -> None:
    """Raise ValidationError unless `value` fits the schema and bears no property that it does not name."""
    check_against({"$ref": f"#/components/schemas/{name}"}, value)


def check_against(schema: JSONObject, value: object) -> None:
    validator = Draft202012Validator(
        _closed(schema) | {"components": {"schemas": _CLOSED}},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    validator.validate(value)


def resolved(node: JSONObject) -> JSONObject:
    """Follow a reference within the document."""
    if "$ref" not in node:
        return node
    found: Any = DOCUMENT
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return resolved(found)


def examples(content: JSONObject) -> Iterator[tuple[JSONObject, object]]:
    """Yield schema and value of each example of a body, a parameter or a header."""
    for media in content.values():
        if "example" in media:
            yield media["schema"], media["example"]
        for example in media.get("examples", {}).values():
            yield media["schema"], resolved(example)["value"]


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {name: _closed(value) for name, value in node.items()}
    if "properties" in node and node.get("type") in ("object", ["object", "null"]):
        copy["additionalProperties"] = False
    return copy


_CLOSED = _closed(DOCUMENT["components"]["schemas"])
