"""The schemas of a chat request: OpenAI's fields, OpenRouter's beside them, with the edge's own limits."""

from gateway.api.chat_request import (
    MAX_BIASES,
    MAX_LINE_CHARACTERS,
    MAX_METADATA,
    MAX_MODEL_CHARACTERS,
    MAX_MODELS,
    MAX_PROMPT_CHARACTERS,
    MAX_STOP_CHARACTERS,
    MAX_STOPS,
    MAX_TOKENS,
)
from gateway.api.messages import MAX_MESSAGES
from gateway.api.openapi import chat_messages, chat_tools, shapes
from gateway.api.openapi.shapes import JSONObject, ref
from gateway.api.preferences import MAX_PRICE, MAX_SLUG_CHARACTERS, MAX_SLUGS
from gateway.pipeline.router import MAX_CANDIDATES

EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh"]
SORTS = ["price", "throughput", "latency"]

MODEL_FIELDS: dict[str, JSONObject] = {
    "model": shapes.text(
        "The model to ask, by its id or another name of it. May be absent where `models` is given. An ending"
        " `:floor` sorts by price, `:nitro` by throughput; `xrouter/auto` chooses by the request, the price,"
        " and what was measured of late.",
        maxLength=MAX_MODEL_CHARACTERS,
    ),
    "models": shapes.texts(
        most=MAX_MODELS,
        longest=MAX_MODEL_CHARACTERS,
        description="Models to ask in turn after `model`, when a provider fails before its first chunk."
        f" {MAX_CANDIDATES} candidates are tried at most.",
    ),
    "provider": ref("ProviderPreferences"),
    "transforms": shapes.array(
        shapes.text(enum=["middle-out"]),
        "`middle-out` shortens a prompt that does not fit, in its middle.",
        maxItems=1,
    ),
    "route": shapes.text("Of no effect: `models` fall back by themselves.", enum=["fallback"]),
}

ANSWER_FIELDS: dict[str, JSONObject] = {
    "stream": shapes.flag("Answer as server-sent events.", default=False),
    "stream_options": shapes.form(
        {"include_usage": shapes.flag("A last chunk bears `usage` and empty `choices`.")}
    ),
    "usage": shapes.form({"include": shapes.flag("As `stream_options.include_usage`.")}),
    "max_completion_tokens": shapes.whole(
        "The most tokens of the answer; goes before `max_tokens`.", minimum=1, maximum=MAX_TOKENS
    ),
    "max_tokens": shapes.whole("The most tokens of the answer.", minimum=1, maximum=MAX_TOKENS),
    "stop": shapes.texts(
        most=MAX_STOPS,
        longest=MAX_STOP_CHARACTERS,
        description="Texts at which the answer ends; they are not part of it.",
    ),
    "n": shapes.whole("A request has one answer.", minimum=1, maximum=1),
    "response_format": ref("ResponseFormat"),
}

SAMPLING_FIELDS: dict[str, JSONObject] = {
    "temperature": shapes.number(minimum=0, maximum=2),
    "top_p": shapes.number(minimum=0, maximum=1),
    "top_k": shapes.whole(minimum=0, maximum=1_000_000),
    "min_p": shapes.number(minimum=0, maximum=1),
    "seed": shapes.whole(minimum=-(2**63), maximum=2**63 - 1),
    "frequency_penalty": shapes.number(minimum=-2, maximum=2),
    "presence_penalty": shapes.number(minimum=-2, maximum=2),
    "repetition_penalty": shapes.number(minimum=0, maximum=2),
    "logit_bias": {
        "type": "object",
        "description": "Token → bias.",
        "additionalProperties": shapes.nullable(shapes.number(minimum=-100, maximum=100)),
        "maxProperties": MAX_BIASES,
    },
    "logprobs": shapes.flag(),
    "top_logprobs": shapes.whole(minimum=0, maximum=20),
    "reasoning_effort": shapes.text(
        "`minimal` means `low`, `xhigh` means `high`, `none` is as if it were absent.", enum=EFFORTS
    ),
    "reasoning": shapes.form({"effort": shapes.text("As `reasoning_effort`.", enum=EFFORTS)}),
}

CALLER_FIELDS: dict[str, JSONObject] = {
    "session_id": shapes.line(
        MAX_LINE_CHARACTERS, "Names the dialogue, which keeps the provider's cache of it warm."
    ),
    "prompt_cache_key": shapes.line(
        MAX_LINE_CHARACTERS, "As `session_id`, where that is not given."
    ),
    "user": shapes.line(MAX_LINE_CHARACTERS, "As `session_id`, where neither of those is given."),
    "metadata": {
        "type": "object",
        "description": "The caller's own notes: taken, and not kept.",
        "additionalProperties": shapes.nullable(shapes.line(MAX_LINE_CHARACTERS)),
        "maxProperties": MAX_METADATA,
    },
}

COMMON_FIELDS = MODEL_FIELDS | ANSWER_FIELDS | SAMPLING_FIELDS | CALLER_FIELDS

_PROMPT = shapes.text(
    "One message of the user, in place of `messages`.",
    minLength=1,
    maxLength=MAX_PROMPT_CHARACTERS,
)
_MESSAGES = shapes.array(ref("Message"), "The dialogue so far.", minItems=1, maxItems=MAX_MESSAGES)


def _slugs(description: str) -> JSONObject:
    return shapes.texts(most=MAX_SLUGS, longest=MAX_SLUG_CHARACTERS, description=description)


def _max_price(what: str) -> JSONObject:
    return {
        "description": f"The highest price of {what}, in roubles per million tokens.",
        "anyOf": [shapes.number(minimum=0, maximum=int(MAX_PRICE)), shapes.text()],
    }


NAMES_A_MODEL: JSONObject = {
    "anyOf": [
        {"required": ["model"], "properties": {"model": {"type": "string", "minLength": 1}}},
        {
            "required": ["models"],
            "properties": {"models": {"minItems": 1, "type": ["array", "string"]}},
        },
    ]
}

SCHEMAS: dict[str, JSONObject] = {
    "ChatCompletionRequest": shapes.form(
        {"messages": _MESSAGES, "prompt": _PROMPT} | COMMON_FIELDS | chat_tools.FIELDS,
        "`messages` or `prompt`, exactly one of them; `model`, `models` or both. A parameter that the"
        " model does not honour, and a field that is not listed here, is ignored and named in"
        " `X-XRouter-Adapted`.",
        allOf=[
            NAMES_A_MODEL,
            {
                "oneOf": [
                    {"required": ["messages"], "properties": {"messages": {"type": "array"}}},
                    {"required": ["prompt"], "properties": {"prompt": {"type": "string"}}},
                ]
            },
        ],
    ),
    "ProviderPreferences": shapes.form(
        {
            "order": _slugs("Providers to ask first, in this order."),
            "only": _slugs("The only providers that may be asked."),
            "ignore": _slugs("Providers that are not asked."),
            "allow_fallbacks": shapes.flag("Whether others follow the first.", default=True),
            "require_parameters": shapes.flag(
                "Ask only those that honour every parameter of the request.", default=False
            ),
            "data_collection": shapes.text(
                "`deny` asks only providers that can be told not to keep prompts.",
                enum=["allow", "deny"],
                default="allow",
            ),
            "sort": {
                "description": "What to prefer among the routes of a model: the lowest price, the most tokens"
                " per second, or the least time to the first token, as measured in the last five minutes.",
                "anyOf": [
                    shapes.text(enum=SORTS),
                    shapes.form(
                        {
                            "by": shapes.text(enum=SORTS),
                            "partition": shapes.text(
                                "`none` sorts among the routes of all models of the request.",
                                enum=["model", "none"],
                                default="model",
                            ),
                        }
                    ),
                ],
            },
            "max_price": shapes.form(
                {"prompt": _max_price("the prompt"), "completion": _max_price("the answer")}
            ),
        },
        "Who may serve the request. Slugs are `gigachat` and `yandexgpt`, in any case.",
    ),
    **chat_messages.SCHEMAS,
    **chat_tools.SCHEMAS,
}
