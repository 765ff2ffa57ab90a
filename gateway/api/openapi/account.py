"""GET /v1/key, /v1/auth/key, /v1/credits and /v1/generation: what a caller may read of itself."""

from typing import get_args

from accounts.principal import LimitReset
from billing.generations import TokensSource
from gateway.api.openapi import shapes
from gateway.api.openapi.chat_answer import FINISH_REASONS
from gateway.api.openapi.operations import json_answer, operation, query
from gateway.api.openapi.shapes import JSONObject, ref

_KEY = json_answer(
    "The credential that asks.",
    "Key",
    {
        "limited": (
            "A key with a budget of its own",
            {
                "data": {
                    "label": "production",
                    "usage": 12.5,
                    "limit": 100,
                    "limit_remaining": 87.5,
                    "limit_reset": "monthly",
                    "is_free_tier": False,
                    "is_test": False,
                    "rate_limit": {"requests": 50, "interval": "1s"},
                }
            },
        )
    },
)
_GENERATION = {
    "id": "gen-0197c1d2e3f4701122334455667788aa",
    "model": "gigachat-2",
    "requested_model": "gigachat",
    "provider_name": "gigachat",
    "created_at": "2026-11-22T10:00:00.123456+00:00",
    "streamed": True,
    "cancelled": False,
    "tokens_prompt": 14,
    "tokens_completion": 6,
    "tokens_cached": 0,
    "tokens_source": "provider",
    "total_cost": 0.0013,
    "latency": 1830,
    "time_to_first_token": 412,
    "finish_reason": "stop",
    "native_finish_reason": "stop",
    "error_code": None,
    "attempts": [{"provider": "gigachat", "model": "gigachat-2", "outcome": "answered", "ms": 412}],
    "adapted": ["temperature=clamped"],
    "routing": {
        "strategy": "price",
        "candidates": [
            {
                "provider": "gigachat",
                "model": "gigachat-2",
                "reasons": [
                    "price: 65 and 65 roubles per million tokens of prompt and answer",
                ],
            }
        ],
        "left_out": [
            {
                "provider": "yandexgpt",
                "model": "yandexgpt:latest",
                "reason": "it costs more than max_price",
            }
        ],
    },
}

PATHS: dict[str, JSONObject] = {
    "/v1/key": {
        "get": operation(
            "get_key", "Describe the credential that asks", tag="Account", scope="chat", answer=_KEY
        )
    },
    "/v1/auth/key": {
        "get": operation(
            "get_auth_key",
            "The same as `GET /v1/key`",
            tag="Account",
            scope="chat",
            answer=_KEY,
        )
    },
    "/v1/credits": {
        "get": operation(
            "get_credits",
            "Read the balance",
            tag="Account",
            scope="usage",
            answer=json_answer(
                "The balance is the difference of the two.",
                "Credits",
                {"credits": ("A balance", {"data": {"total_credits": 100, "total_usage": 12.5}})},
            ),
        )
    },
    "/v1/generation": {
        "get": operation(
            "get_generation",
            "Read what is known of a completion",
            "There from the moment the answer ends, for the account that asked for it.",
            tag="Account",
            scope="usage",
            parameters=[
                query(
                    "id",
                    "The completion's `id`.",
                    shapes.text(examples=[_GENERATION["id"]]),
                    required=True,
                )
            ],
            answer=json_answer(
                "The completion.",
                "Generation",
                {"generation": ("A completion", {"data": _GENERATION})},
            ),
            codes=("invalid_parameter", "not_found"),
        )
    },
}

_OUTCOMES = [
    "answered",
    "unavailable",
    "not_understood",
    "timeout",
    "credential_refused",
    "busy",
    "rejected",
    "nobody_asked",
    "failed",
]
_TOKENS = shapes.whole(minimum=0)

SCHEMAS: dict[str, JSONObject] = {
    "Key": shapes.record(
        {
            "data": shapes.record(
                {
                    "label": shapes.text("What its owner calls it."),
                    "usage": shapes.number("What it has spent, in credits, exactly."),
                    "limit": shapes.nullable(shapes.number("Its own budget; null for none.")),
                    "limit_remaining": shapes.nullable(
                        shapes.number("What the budget leaves; null for no budget.")
                    ),
                    "limit_reset": shapes.nullable(
                        shapes.text(
                            "When the budget begins anew; null for never.",
                            enum=list(get_args(LimitReset)),
                        )
                    ),
                    "is_free_tier": shapes.flag("Whether the account has no credits."),
                    "is_test": shapes.flag("Whether the sandbox answers it."),
                    "rate_limit": shapes.record(
                        {
                            "requests": shapes.whole(minimum=0),
                            "interval": shapes.text(
                                pattern=r"^\d+[smd]$", examples=["1s", "60s", "1m", "1d"]
                            ),
                        },
                        "How many requests may begin in any such time.",
                    ),
                }
            )
        }
    ),
    "Credits": shapes.record(
        {
            "data": shapes.record(
                {
                    "total_credits": shapes.number("All that was added, in credits, exactly."),
                    "total_usage": shapes.number("All that was charged, in credits, exactly."),
                }
            )
        }
    ),
    "Generation": shapes.record(
        {
            "data": shapes.record(
                {
                    "id": shapes.text(),
                    "model": shapes.text("The model that served, or was asked last."),
                    "requested_model": shapes.text("The model as the caller named it."),
                    "provider_name": shapes.nullable(shapes.text()),
                    "created_at": shapes.text(format="date-time"),
                    "streamed": shapes.flag(),
                    "cancelled": shapes.flag("Whether the caller left before the end."),
                    "tokens_prompt": _TOKENS,
                    "tokens_completion": _TOKENS,
                    "tokens_cached": _TOKENS,
                    "tokens_source": shapes.text(
                        "Who counted the tokens.", enum=list(get_args(TokensSource))
                    ),
                    "total_cost": shapes.number("What was charged, in credits, exactly."),
                    "latency": shapes.nullable(shapes.whole("Milliseconds to the end.")),
                    "time_to_first_token": shapes.nullable(
                        shapes.whole("Milliseconds to the first chunk.")
                    ),
                    "finish_reason": shapes.nullable(shapes.text(enum=FINISH_REASONS)),
                    "native_finish_reason": shapes.nullable(shapes.text()),
                    "error_code": shapes.nullable(
                        shapes.text("Why it failed, in the words of an attempt's `outcome`.")
                    ),
                    "attempts": shapes.array(ref("Attempt"), "Who was asked, in order."),
                    "adapted": shapes.array(shapes.text(), "All that was not as the caller asked."),
                    "routing": {
                        "description": "Why it went where it went; null where nothing was chosen.",
                        "anyOf": [ref("Routing"), {"type": "null"}],
                    },
                }
            )
        }
    ),
    "Routing": shapes.record(
        {
            "strategy": shapes.text(
                "How the candidates were put in order: `balanced`, `price`, `latency`, `throughput`,"
                " `auto`, `order`; of several models, several of them.",
            ),
            "candidates": shapes.array(
                shapes.record(
                    {
                        "provider": shapes.text(),
                        "model": shapes.text(),
                        "reasons": shapes.array(shapes.text()),
                    }
                ),
                "Who was to be asked, in order, and why.",
            ),
            "left_out": shapes.array(
                shapes.record(
                    {
                        "provider": shapes.text(),
                        "model": shapes.text(),
                        "reason": shapes.text(),
                    }
                ),
                "Who was not, and why; the first few.",
            ),
        }
    ),
    "Attempt": shapes.record(
        {
            "provider": shapes.text(),
            "model": shapes.text(),
            "outcome": shapes.text(enum=_OUTCOMES),
            "ms": shapes.whole("Milliseconds to the outcome.", minimum=0),
        }
    ),
}
