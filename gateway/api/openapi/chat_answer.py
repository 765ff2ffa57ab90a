"""The schemas of a completion: whole, in chunks, and what it cost."""

from typing import get_args

from gateway.api.openapi import shapes
from gateway.api.openapi.shapes import JSONObject, ref
from gateway.providers.chat_types import FinishReason

FINISH_REASONS = [*get_args(FinishReason), "function_call"]

NATIVE_FINISH_REASON = shapes.nullable(shapes.text("Why it ended, in the provider's own word."))
_REASONING: dict[str, JSONObject] = {
    "reasoning": shapes.text("What the model thought, where it says so."),
    "reasoning_content": shapes.text("The same as `reasoning`."),
}
_CALLED = shapes.record(
    {"name": shapes.text(), "arguments": shapes.text("JSON of an object.")},
)


def finish_reason(description: str = "Why the answer ended.") -> JSONObject:
    return shapes.text(description, enum=FINISH_REASONS)


def envelope(kind: str, choices: JSONObject) -> dict[str, JSONObject]:
    """Return the fields that every answer of a model bears."""
    return {
        "id": shapes.text("The id for `GET /v1/generation`.", pattern="^gen-[0-9a-f]{32}$"),
        "object": shapes.text(const=kind),
        "created": shapes.whole("Seconds since 1970."),
        "model": shapes.text("The id of the model that served."),
        "provider": shapes.text("The slug of the provider that served."),
        "system_fingerprint": {"type": "null"},
        "choices": choices,
    }


SCHEMAS: dict[str, JSONObject] = {
    "ChatCompletion": shapes.record(
        envelope("chat.completion", shapes.array(ref("ChatChoice"), minItems=1, maxItems=1))
        | {"usage": ref("Usage")},
    ),
    "ChatChoice": shapes.record(
        {
            "index": shapes.whole(const=0),
            "message": ref("AnswerMessage"),
            "logprobs": {"type": "null"},
            "finish_reason": finish_reason(),
            "native_finish_reason": NATIVE_FINISH_REASON,
        }
    ),
    "AnswerMessage": shapes.record(
        {
            "role": shapes.text(const="assistant"),
            "content": shapes.nullable(shapes.text("Null beside tool calls without a text.")),
            "refusal": {"type": "null"},
            **_REASONING,
            "tool_calls": shapes.array(
                shapes.record(
                    {
                        "id": shapes.text(),
                        "type": shapes.text(const="function"),
                        "function": _CALLED,
                    }
                )
            ),
            "function_call": _CALLED
            | {"description": "Where the request had `functions`.", "deprecated": True},
        },
        optional=("reasoning", "reasoning_content", "tool_calls", "function_call"),
    ),
    "Usage": shapes.record(
        {
            "prompt_tokens": shapes.whole(minimum=0),
            "completion_tokens": shapes.whole(minimum=0),
            "total_tokens": shapes.whole(minimum=0),
            "prompt_tokens_details": shapes.record(
                {"cached_tokens": shapes.whole("Part of `prompt_tokens`.", minimum=0)}
            ),
            "completion_tokens_details": shapes.record(
                {"reasoning_tokens": shapes.whole("Part of `completion_tokens`.", minimum=0)}
            ),
            "cost": shapes.number("What was charged, in credits (roubles), exactly."),
        },
        "The tokens, by the provider's own count, and what they cost.",
    ),
    "ChatCompletionChunk": shapes.record(
        envelope("chat.completion.chunk", shapes.array(ref("ChunkChoice"), maxItems=1))
        | {"usage": ref("Usage")},
        "The `data:` of one event. The first bears the role, the last one with a choice bears"
        " `finish_reason`. `usage` comes once: with that one, or in a chunk of its own with empty"
        " `choices` where `stream_options.include_usage` asks for it.",
        optional=("usage",),
    ),
    "ChunkChoice": shapes.record(
        {
            "index": shapes.whole(const=0),
            "delta": ref("Delta"),
            "logprobs": {"type": "null"},
            "finish_reason": shapes.nullable(finish_reason()),
            "native_finish_reason": NATIVE_FINISH_REASON,
        },
        optional=("native_finish_reason",),
    ),
    "Delta": shapes.record(
        {
            "role": shapes.text(const="assistant"),
            "content": shapes.text("New characters only."),
            **_REASONING,
            "tool_calls": shapes.array(ref("ToolCallDelta")),
            "function_call": ref("FunctionDelta")
            | {"description": "Where the request had `functions`.", "deprecated": True},
        },
        "What is new since the chunk before; `{}` in the last one.",
        optional=(
            "role",
            "content",
            "reasoning",
            "reasoning_content",
            "tool_calls",
            "function_call",
        ),
    ),
    "ToolCallDelta": shapes.record(
        {
            "index": shapes.whole("Which call is continued.", minimum=0),
            "id": shapes.text(),
            "type": shapes.text(const="function"),
            "function": ref("FunctionDelta"),
        },
        "The first piece of a call bears `id`, `type` and the name.",
        optional=("id", "type"),
    ),
    "FunctionDelta": shapes.record(
        {"name": shapes.text(), "arguments": shapes.text("To be appended to those before.")},
        optional=("name",),
    ),
}
