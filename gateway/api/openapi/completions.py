"""POST /v1/completions: a chat over one prompt, in OpenAI's former form."""

from gateway.api.chat_request import MAX_PROMPT_CHARACTERS
from gateway.api.openapi import shapes
from gateway.api.openapi.chat import COMPLETION_CODES, event_stream
from gateway.api.openapi.chat_answer import NATIVE_FINISH_REASON, envelope, finish_reason
from gateway.api.openapi.chat_request import COMMON_FIELDS, NAMES_A_MODEL
from gateway.api.openapi.headers import COMPLETION_HEADERS, headers, parameter
from gateway.api.openapi.operations import json_body, json_content, operation
from gateway.api.openapi.shapes import JSONObject, ref

_PROMPT = shapes.text(minLength=1, maxLength=MAX_PROMPT_CHARACTERS)
_ID = "gen-0197c1d2e3f4701122334455667788ab"
_HEAD = {
    "id": _ID,
    "object": "text_completion",
    "created": 1790000000,
    "model": "yandexgpt-lite",
    "provider": "yandexgpt",
    "system_fingerprint": None,
}

REQUEST_EXAMPLES = {
    "plain": (
        "A plain answer",
        {"model": "yandexgpt-lite", "prompt": "Продолжи: один, два,", "max_tokens": 20},
    )
}
ANSWER_EXAMPLES = {
    "plain": (
        "A text",
        _HEAD
        | {
            "choices": [
                {
                    "index": 0,
                    "text": "три, четыре, пять.",
                    "message": {
                        "role": "assistant",
                        "content": "три, четыре, пять.",
                        "refusal": None,
                    },
                    "logprobs": None,
                    "finish_reason": "stop",
                    "native_finish_reason": "ALTERNATIVE_STATUS_FINAL",
                }
            ],
            "usage": {
                "prompt_tokens": 9,
                "completion_tokens": 7,
                "total_tokens": 16,
                "prompt_tokens_details": {"cached_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
                "cost": 0.0032,
            },
        },
    )
}
_CHUNK = (
    f'data: {{"id":"{_ID}","object":"text_completion","created":1790000000,'
    '"model":"yandexgpt-lite","provider":"yandexgpt","system_fingerprint":null,"choices":'
)
STREAM_EXAMPLE = (
    f'{_CHUNK}[{{"index":0,"delta":{{"content":"три, "}},"text":"три, ","logprobs":null,'
    '"finish_reason":null}]}\n\n'
    f'{_CHUNK}[{{"index":0,"delta":{{}},"text":"","logprobs":null,"finish_reason":"stop"}}],'
    '"usage":{"prompt_tokens":9,"completion_tokens":7,"total_tokens":16,'
    '"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":'
    '{"reasoning_tokens":0},"cost":0.0032}}\n\n'
    "data: [DONE]\n\n"
)

PATHS: dict[str, JSONObject] = {
    "/v1/completions": {
        "post": operation(
            "create_completion",
            "Continue a prompt",
            "The former form of the chat: the prompt is one message of the user.",
            tag="Chat",
            scope="chat",
            parameters=[parameter("X-XRouter-Strict")],
            body=json_body("CompletionRequest", REQUEST_EXAMPLES),
            answer={
                "description": "The completion, whole or, with `stream`, as events.",
                "headers": headers(*COMPLETION_HEADERS),
                "content": json_content("Completion", ANSWER_EXAMPLES)
                | event_stream("CompletionChunk", STREAM_EXAMPLE),
            },
            codes=COMPLETION_CODES,
        )
    }
}

SCHEMAS: dict[str, JSONObject] = {
    "CompletionRequest": shapes.form(
        {"prompt": {"anyOf": [_PROMPT, shapes.array(_PROMPT, minItems=1, maxItems=1)]}}
        | COMMON_FIELDS,
        "What is not honoured, and what is not listed here, is ignored and named in"
        " `X-XRouter-Adapted`.",
        required=("prompt",),
        allOf=[NAMES_A_MODEL],
    ),
    "Completion": shapes.record(
        envelope("text_completion", shapes.array(ref("CompletionChoice"), minItems=1, maxItems=1))
        | {"usage": ref("Usage")},
    ),
    "CompletionChoice": shapes.record(
        {
            "index": shapes.whole(const=0),
            "text": shapes.text(),
            "message": ref("AnswerMessage") | {"description": "The same in the form of a chat."},
            "logprobs": {"type": "null"},
            "finish_reason": finish_reason(),
            "native_finish_reason": NATIVE_FINISH_REASON,
        },
        optional=("message",),
    ),
    "CompletionChunk": shapes.record(
        envelope("text_completion", shapes.array(ref("CompletionChunkChoice"), maxItems=1))
        | {"usage": ref("Usage")},
        "The `data:` of one event. `usage` comes once, at the end.",
        optional=("usage",),
    ),
    "CompletionChunkChoice": shapes.record(
        {
            "index": shapes.whole(const=0),
            "text": shapes.text("New characters only."),
            "delta": ref("Delta") | {"description": "The same in the form of a chat."},
            "logprobs": {"type": "null"},
            "finish_reason": shapes.nullable(finish_reason()),
            "native_finish_reason": NATIVE_FINISH_REASON,
        },
        optional=("delta", "native_finish_reason"),
    ),
}
