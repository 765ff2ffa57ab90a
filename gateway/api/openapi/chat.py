"""POST /v1/chat/completions."""

from gateway.api.openapi import chat_answer, chat_request
from gateway.api.openapi.headers import COMPLETION_HEADERS, headers, parameter
from gateway.api.openapi.operations import json_body, json_content, operation
from gateway.api.openapi.shapes import JSONObject

COMPLETION_CODES = (
    "invalid_parameter",
    "unsupported_content",
    "context_length_exceeded",
    "insufficient_credits",
    "key_limit_reached",
    "content_filter",
    "model_not_allowed",
    "model_not_found",
    "rate_limit_exceeded",
    "concurrency_limit_exceeded",
    "provider_busy",
    "provider_error",
    "no_provider_available",
    "overloaded",
    "provider_timeout",
)

_HELLO = {"role": "user", "content": "Назови столицу Армении."}
_WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Погода в городе сейчас.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}

REQUEST_EXAMPLES: dict[str, tuple[str, JSONObject]] = {
    "plain": ("A plain answer", {"model": "gigachat-2", "messages": [_HELLO]}),
    "streamed": (
        "A streamed answer with usage in a chunk of its own",
        {
            "model": "yandexgpt",
            "messages": [{"role": "system", "content": "Отвечай кратко."}, _HELLO],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0.3,
            "max_tokens": 200,
        },
    ),
    "fallbacks": (
        "Other models when the first one fails",
        {
            "model": "gigachat-2-max",
            "models": ["yandexgpt", "gigachat-2-pro"],
            "provider": {"data_collection": "allow", "max_price": {"completion": 1000}},
            "messages": [_HELLO],
        },
    ),
    "tools": (
        "A tool, and its result on the way back",
        {
            "model": "yandexgpt",
            "messages": [
                {"role": "user", "content": "Какая погода в Ереване?"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "weather", "arguments": '{"city": "Ереван"}'},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": '{"celsius": 31}'},
            ],
            "tools": [_WEATHER_TOOL],
            "tool_choice": "auto",
        },
    ),
    "structured": (
        "An answer that keeps to a schema",
        {
            "model": "yandexgpt",
            "messages": [_HELLO],
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "city",
                    "strict": True,
                    "schema": {
                        "type": "object",
                        "properties": {"name": {"type": "string"}},
                        "required": ["name"],
                        "additionalProperties": False,
                    },
                },
            },
        },
    ),
    "picture": (
        "A picture",
        {
            "model": "gigachat-2-pro",
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Что на картинке?"},
                        {
                            "type": "image_url",
                            "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="},
                        },
                    ],
                }
            ],
        },
    ),
}

_ID = "gen-0197c1d2e3f4701122334455667788aa"
_USAGE = {
    "prompt_tokens": 14,
    "completion_tokens": 6,
    "total_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
    "cost": 0.0013,
}
_HEAD = {
    "id": _ID,
    "object": "chat.completion",
    "created": 1790000000,
    "model": "gigachat-2",
    "provider": "gigachat",
    "system_fingerprint": None,
}

ANSWER_EXAMPLES = {
    "plain": (
        "A text",
        _HEAD
        | {
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": "Столица Армении — Ереван.",
                        "refusal": None,
                    },
                    "logprobs": None,
                    "finish_reason": "stop",
                    "native_finish_reason": "stop",
                }
            ],
            "usage": _USAGE,
        },
    ),
    "tools": (
        "A tool call",
        _HEAD
        | {
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": None,
                        "refusal": None,
                        "tool_calls": [
                            {
                                "id": "call_1",
                                "type": "function",
                                "function": {"name": "weather", "arguments": '{"city":"Ереван"}'},
                            }
                        ],
                    },
                    "logprobs": None,
                    "finish_reason": "tool_calls",
                    "native_finish_reason": "function_call",
                }
            ],
            "usage": _USAGE,
        },
    ),
}

_CHUNK = (
    f'data: {{"id":"{_ID}","object":"chat.completion.chunk","created":1790000000,'
    '"model":"gigachat-2","provider":"gigachat","system_fingerprint":null,"choices":'
)
STREAM_EXAMPLE = (
    f'{_CHUNK}[{{"index":0,"delta":{{"role":"assistant","content":""}},"logprobs":null,'
    '"finish_reason":null}]}\n\n'
    f'{_CHUNK}[{{"index":0,"delta":{{"content":"Ереван."}},"logprobs":null,'
    '"finish_reason":null}]}\n\n'
    f'{_CHUNK}[{{"index":0,"delta":{{}},"logprobs":null,"finish_reason":"stop",'
    '"native_finish_reason":"stop"}]}\n\n'
    f'{_CHUNK}[],"usage":{{"prompt_tokens":14,"completion_tokens":6,"total_tokens":20,'
    '"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":'
    '{"reasoning_tokens":0},"cost":0.0013}}\n\n'
    "data: [DONE]\n\n"
)


def event_stream(chunk: str, example: str) -> JSONObject:
    """Return the `content` of a streamed answer."""
    return {
        "text/event-stream": {
            "schema": {
                "type": "string",
                "description": f"Events, each one `data:` line with a {chunk}, then `data: [DONE]`."
                " In silence there is a comment (a line that begins with a colon) at least every"
                " 10 seconds. A stream that fails ends with one event of an Error, without `[DONE]`.",
            },
            "example": example,
        }
    }


PATHS: dict[str, JSONObject] = {
    "/v1/chat/completions": {
        "post": operation(
            "create_chat_completion",
            "Answer a dialogue",
            "OpenAI's chat completions. A failure before the first chunk goes on to the next candidate;"
            " a client that leaves a stream stops it, and pays for what was generated.",
            tag="Chat",
            scope="chat",
            parameters=[parameter("X-XRouter-Strict")],
            body=json_body("ChatCompletionRequest", REQUEST_EXAMPLES),
            answer={
                "description": "The completion, whole or, with `stream`, as events.",
                "headers": headers(*COMPLETION_HEADERS),
                "content": json_content("ChatCompletion", ANSWER_EXAMPLES)
                | event_stream("ChatCompletionChunk", STREAM_EXAMPLE),
            },
            codes=COMPLETION_CODES,
        )
    }
}

SCHEMAS = chat_request.SCHEMAS | chat_answer.SCHEMAS
