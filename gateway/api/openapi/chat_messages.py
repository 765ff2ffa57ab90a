"""The schemas of `messages`: every role, every form of content."""

from gateway.api.messages import (
    IMAGE_TYPES,
    MAX_CONTENT_PARTS,
    MAX_NAME_CHARACTERS,
    MAX_TOOL_CALLS,
)
from gateway.api.openapi import shapes
from gateway.api.openapi.shapes import JSONObject, ref

_NAME = shapes.line(MAX_NAME_CHARACTERS, "Who speaks.")
_CONTENT = {
    "description": "A text, or parts, whose texts are joined by line breaks.",
    "anyOf": [
        shapes.text(),
        shapes.array({"oneOf": [ref("TextPart"), ref("RefusalPart")]}, maxItems=MAX_CONTENT_PARTS),
    ],
}
_USER_CONTENT = {
    "description": "A text, or parts: texts, which are joined by line breaks, and pictures.",
    "anyOf": [
        shapes.text(),
        shapes.array(
            {"oneOf": [ref("TextPart"), ref("RefusalPart"), ref("ImagePart")]},
            maxItems=MAX_CONTENT_PARTS,
        ),
    ],
}
_DATA_URL = shapes.text(
    "A data URL. Pictures at other addresses are not fetched.",
    pattern=f"^data:({'|'.join(sorted(IMAGE_TYPES))});base64,",
)

SCHEMAS: dict[str, JSONObject] = {
    "Message": {
        "description": "One turn of the dialogue.",
        "oneOf": [
            ref("SystemMessage"),
            ref("UserMessage"),
            ref("AssistantMessage"),
            ref("ToolMessage"),
            ref("FunctionMessage"),
        ],
        "discriminator": {
            "propertyName": "role",
            "mapping": {
                role: f"#/components/schemas/{name}"
                for role, name in {
                    "system": "SystemMessage",
                    "developer": "SystemMessage",
                    "user": "UserMessage",
                    "assistant": "AssistantMessage",
                    "tool": "ToolMessage",
                    "function": "FunctionMessage",
                }.items()
            },
        },
    },
    "SystemMessage": shapes.form(
        {
            "role": shapes.text("`developer` means `system`.", enum=["system", "developer"]),
            "content": _CONTENT,
            "name": _NAME,
        },
        "Instructions to the model.",
        required=("role", "content"),
    ),
    "UserMessage": shapes.form(
        {"role": shapes.text(const="user"), "content": _USER_CONTENT, "name": _NAME},
        "What the user says and shows.",
        required=("role", "content"),
    ),
    "AssistantMessage": shapes.form(
        {
            "role": shapes.text(const="assistant"),
            "content": _CONTENT,
            "refusal": shapes.text("Stands for `content` where there is none."),
            "tool_calls": shapes.array(ref("ToolCall"), maxItems=MAX_TOOL_CALLS),
            "function_call": shapes.form(
                {
                    "name": shapes.line(MAX_NAME_CHARACTERS, minLength=1),
                    "arguments": shapes.text(),
                },
                "The former form of `tool_calls`.",
                required=("name",),
                deprecated=True,
            ),
            "name": _NAME,
        },
        "An earlier answer: `content`, `tool_calls` or both.",
        required=("role",),
    ),
    "ToolMessage": shapes.form(
        {
            "role": shapes.text(const="tool"),
            "tool_call_id": shapes.text("The id of a call in an earlier assistant message."),
            "content": _CONTENT,
            "name": _NAME,
        },
        "What a tool answered.",
        required=("role", "tool_call_id", "content"),
    ),
    "FunctionMessage": shapes.form(
        {
            "role": shapes.text(const="function"),
            "name": shapes.line(MAX_NAME_CHARACTERS, "A function that an earlier message calls."),
            "content": _CONTENT,
        },
        "The former form of a tool's message.",
        required=("role", "name", "content"),
        deprecated=True,
    ),
    "TextPart": shapes.form(
        {"type": shapes.text(const="text"), "text": shapes.text()}, required=("type", "text")
    ),
    "RefusalPart": shapes.form(
        {"type": shapes.text(const="refusal"), "refusal": shapes.text()},
        required=("type", "refusal"),
    ),
    "ImagePart": shapes.form(
        {
            "type": shapes.text(const="image_url"),
            "image_url": {
                "anyOf": [
                    shapes.form(
                        {
                            "url": _DATA_URL,
                            "detail": shapes.text("Taken, and of no effect."),
                        },
                        required=("url",),
                    ),
                    _DATA_URL,
                ]
            },
        },
        "A picture, for the models whose `architecture.input_modalities` name `image`.",
        required=("type", "image_url"),
    ),
    "ToolCall": shapes.form(
        {
            "id": shapes.line(MAX_NAME_CHARACTERS, minLength=1),
            "type": shapes.text(const="function", default="function"),
            "function": shapes.form(
                {
                    "name": shapes.line(MAX_NAME_CHARACTERS, minLength=1),
                    "arguments": shapes.text("JSON of an object."),
                },
                required=("name",),
            ),
        },
        "A tool that the model called.",
        required=("id", "function"),
    ),
}
