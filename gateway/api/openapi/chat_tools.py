"""The schemas of `tools`, `tool_choice`, `response_format` and their former forms."""

from gateway.api.openapi import shapes
from gateway.api.openapi.shapes import JSONObject, ref
from gateway.api.tools import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_SCHEMA_BYTES,
    MAX_SCHEMA_DEPTH,
    MAX_TOOLS,
    MAX_TOOLS_BYTES,
)

_SCHEMA_LIMITS = (
    f"{MAX_SCHEMA_BYTES} bytes of JSON and {MAX_SCHEMA_DEPTH} levels of nesting at most."
)
_NAMED = shapes.form(
    {"name": shapes.text("One of the tools offered.")},
    required=("name",),
)

SCHEMAS: dict[str, JSONObject] = {
    "Tool": shapes.form(
        {
            "type": shapes.text(const="function", default="function"),
            "function": ref("Function"),
        },
        "A function that the model may call.",
        required=("function",),
    ),
    "Function": shapes.form(
        {
            "name": shapes.line(MAX_NAME_CHARACTERS, "Each name may stand once.", minLength=1),
            "description": shapes.text(
                "What the function does, for the model.", maxLength=MAX_DESCRIPTION_CHARACTERS
            ),
            "parameters": {
                "type": "object",
                "description": f"JSON Schema of the arguments. {_SCHEMA_LIMITS}",
            },
            "strict": shapes.flag("Hold the arguments to the schema."),
        },
        required=("name",),
    ),
    "ToolChoice": {
        "description": "Whether the model must, may or must not call a tool, or which one it must.",
        "anyOf": [
            shapes.text(enum=["none", "auto", "required"]),
            shapes.form(
                {"type": shapes.text(const="function"), "function": _NAMED},
                required=("type", "function"),
            ),
            _NAMED,
        ],
    },
    "ResponseFormat": {
        "description": "The form of the answer. Of `json_schema` with `strict` the answer is checked against"
        " the schema before it is given.",
        "oneOf": [
            shapes.form({"type": shapes.text(const="text")}, required=("type",)),
            shapes.form({"type": shapes.text(const="json_object")}, required=("type",)),
            shapes.form(
                {
                    "type": shapes.text(const="json_schema"),
                    "json_schema": shapes.form(
                        {
                            "name": shapes.text(maxLength=MAX_NAME_CHARACTERS),
                            "schema": {
                                "type": "object",
                                "description": f"JSON Schema. {_SCHEMA_LIMITS}",
                            },
                            "strict": shapes.flag(default=False),
                        },
                        required=("schema",),
                    ),
                },
                required=("type", "json_schema"),
            ),
        ],
    },
}

FIELDS: dict[str, JSONObject] = {
    "tools": shapes.array(
        ref("Tool"),
        f"What the model may call; {MAX_TOOLS_BYTES} bytes of JSON at most.",
        maxItems=MAX_TOOLS,
    ),
    "tool_choice": ref("ToolChoice"),
    "parallel_tool_calls": shapes.flag("Whether one turn may call several tools."),
    "functions": shapes.array(
        ref("Function"), "The former form of `tools`.", maxItems=MAX_TOOLS, deprecated=True
    ),
    "function_call": {
        "description": "The former form of `tool_choice`.",
        "deprecated": True,
        "anyOf": [ref("ToolChoice")],
    },
}
