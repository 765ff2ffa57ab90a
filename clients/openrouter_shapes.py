"""Write the shapes that OpenRouter's SDK for Python demands to tests/api/openrouter_shapes.json.

`var/clients/d/bin/python -m clients.openrouter_shapes`, after a newer version was taken. A JSON Schema for
each answer, from the SDK's own models, but for the optional fields that we never send.
"""

import json
import pathlib
from importlib.metadata import version
from typing import Any

from openrouter import components, errors, operations
from pydantic import BaseModel, TypeAdapter

FILE = pathlib.Path(__file__).parents[1] / "tests" / "api" / "openrouter_shapes.json"
ANSWERS: dict[str, type[BaseModel]] = {
    "chat": components.ChatResult,
    "chunk": components.ChatStreamChunk,
    "models": components.ModelsListResponse,
    "model": components.ModelResponse,
    "count": components.ModelsCountResponse,
    "endpoints": operations.ListEndpointsResponse,
    "providers": operations.ListProvidersResponse,
    "embeddings": operations.CreateEmbeddingsResponseBody,
    "key": operations.GetCurrentKeyResponse,
    "keys": operations.ListResponse,
    "created key": operations.CreateKeysResponse,
    "managed key": operations.GetKeyResponse,
    "deleted key": operations.DeleteKeysResponse,
    "generation": components.GenerationResponse,
    "credits": operations.GetCreditsResponse,
    "activity": components.ActivityResponse,
    "error": errors.BadRequestResponseErrorData,
}
NPM_DEMANDS = {"GenerationResponseData": ("http_referer",), "DeleteKeysResponse": ("deleted",)}
"""Model → what npm `@openrouter/sdk` 1.3.19 requires beyond: its zod schemas, esm/models."""

NEVER_SENT = {
    "alignment",
    "audio",
    "benchmarks",
    "content",
    "cost_details",
    "images",
    "openrouter_metadata",
    "overrides",
    "perf_last_30m_by_workload",
    "reasoning_details",
    "safeguard_results",
    "server_tool_use_details",
}
"""Optional fields that are large, and `content`, whose many kinds say nothing of a text."""


def main() -> None:
    """Write the file."""
    shapes: dict[str, Any] = {"version": version("openrouter")}
    for name, answer in ANSWERS.items():
        document = TypeAdapter(answer).json_schema()
        definitions = document.pop("$defs", {})
        shapes[name] = _shape(document, definitions)
    lines = [f"{json.dumps(name)}: {json.dumps(shape)}" for name, shape in shapes.items()]
    text = "{\n" + ",\n".join(lines) + "\n}"
    FILE.write_text(f"{text}\n", encoding="utf-8")


def _shape(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without what is never sent, its references resolved."""
    if "$ref" in schema:
        return _shape(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema or "oneOf" in schema:
        said = [one for one in schema.get("anyOf") or schema["oneOf"] if not _is_unset(one)]
        found = [_shape(one, definitions) for one in said]
        choices = [one for choice in found for one in choice.get("anyOf", [choice])]
        unlike = [one for index, one in enumerate(choices) if one not in choices[:index]]
        if {"type": "string"} in unlike:  # an open list of words: any text will do
            unlike = [one for one in unlike if "enum" not in one and "const" not in one]
        return unlike[0] if len(unlike) == 1 else {"anyOf": unlike}
    kept = {name: schema[name] for name in ("type", "enum", "const") if name in schema}
    if "items" in schema:
        kept["items"] = _shape(schema["items"], definitions)
    if isinstance(schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = _shape(schema["additionalProperties"], definitions)
    required = {*schema.get("required", ()), *NPM_DEMANDS.get(schema.get("title", ""), ())}
    properties = schema.get("properties", {})
    names = sorted(required | (set(properties) - NEVER_SENT))
    if names:
        kept["required"] = sorted(required)
        kept["properties"] = {
            name: _shape(
                properties.get(name, {}) if name in required else _given(properties[name]),
                definitions,
            )
            for name in names
        }
    return kept


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what an optional field may be where it is there: null only if that is said of it.

    The models for Python take null for an absence too; the zod schemas for npm do not.
    """
    choices = schema.get("anyOf", [schema])
    return {"anyOf": [one for one in choices if one != {"type": "null"}]}


def _is_unset(schema: dict[str, Any]) -> bool:
    """Say whether it is the SDK's own mark of a field that is not there."""
    return str(schema.get("$ref", "")).endswith("/Unset")


if __name__ == "__main__":
    main()
