"""The types of bodies and answers → JSON Schemas as OpenAPI's components, by pydantic."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

JSONObject = dict[str, Any]

PREFIX = "#/components/schemas/"

_SUFFIXES = ("Body", "Answer")
"""Of the names of classes that are called so only because the bare name is another class's."""


def components(types: Iterable[Any]) -> tuple[dict[Any, JSONObject], dict[str, JSONObject]]:
    """Return the schema of each type, a reference mostly, and all components by their names."""
    schemas, definitions = TypeAdapter.json_schemas(
        [(kind, "validation", TypeAdapter(kind)) for kind in types],
        ref_template=PREFIX + "{model}",
        schema_generator=_Schemas,
    )
    components = definitions.get("$defs", {})
    names = {name: _component_name(name) for name in components}
    return (
        {kind: _renamed(schema, names) for (kind, _), schema in schemas.items()},
        {names[name]: _renamed(schema, names) for name, schema in sorted(components.items())},
    )


def query_parameters(kind: type[BaseModel]) -> list[JSONObject]:
    """Return a Parameter Object for each field of a query string."""
    schema = _renamed(TypeAdapter(kind).json_schema(schema_generator=_QuerySchemas), {})
    return [
        {
            "name": name,
            "in": "query",
            "description": field.pop("description"),
            "required": name in schema.get("required", ()),
            "schema": field,
        }
        for name, field in schema["properties"].items()
    ]


def nullable(schema: JSONObject) -> JSONObject:
    """Let a schema take null too."""
    if "enum" in schema:
        schema = schema | {"enum": [*schema["enum"], None]}
    if "const" in schema:
        schema = schema | {"enum": [schema["const"], None]}
        del schema["const"]
    kind = schema.get("type")
    if isinstance(kind, str):
        return schema if kind == "null" else schema | {"type": [kind, "null"]}
    null = {"type": "null"}
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], null]}
    return {"anyOf": [schema, null]}


class _Schemas(GenerateJsonSchema):
    """pydantic's schemas without titles and defaults of null, and with a model's own fields first."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        written = super().model_schema(schema)
        properties = written.get("properties", {})
        own_first = [
            name for kind in schema["cls"].__mro__ for name in vars(kind).get("__annotations__", ())
        ]
        order = dict.fromkeys(name for name in [*own_first, *properties] if name in properties)
        return written | {"properties": {name: properties[name] for name in order}}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return nullable(self.generate_inner(schema["schema"]))

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class _QuerySchemas(_Schemas):
    """There is no null in a query: a parameter is there or absent."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def _component_name(name: str) -> str:
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def _renamed(node: Any, names: dict[str, str]) -> Any:
    """Copy a schema with the components' names, and without the titles and the openness of models."""
    if isinstance(node, list):
        return [_renamed(item, names) for item in node]
    if isinstance(node, str) and node.startswith(PREFIX):
        return PREFIX + names[node.removeprefix(PREFIX)]
    if not isinstance(node, dict):
        return node
    copy = {
        name: {field: _renamed(schema, names) for field, schema in value.items()}
        if name == "properties"
        else _renamed(value, names)
        for name, value in node.items()
    }
    if "properties" in node:
        copy.pop("title", None)
        if copy.get("additionalProperties") is True:
            del copy["additionalProperties"]
    return copy
