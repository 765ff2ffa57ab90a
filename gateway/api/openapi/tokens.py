"""POST /v1/tokens/count."""

from gateway.api.openapi import shapes
from gateway.api.openapi.operations import json_answer, json_body, operation
from gateway.api.openapi.shapes import JSONObject

PATHS: dict[str, JSONObject] = {
    "/v1/tokens/count": {
        "post": operation(
            "count_tokens",
            "Count the tokens of a chat",
            "By the counter of the provider that would serve it. No model runs and nothing is charged, but"
            " the limits count it.",
            tag="Chat",
            scope="chat",
            body=json_body(
                "ChatCompletionRequest",
                {
                    "chat": (
                        "A chat",
                        {
                            "model": "gigachat-2",
                            "messages": [{"role": "user", "content": "Назови столицу Армении."}],
                        },
                    )
                },
            ),
            answer=json_answer(
                "The tokens of the prompt.",
                "TokenCount",
                {"tokens": ("A count", {"data": {"tokens": 14, "model": "gigachat-2"}})},
            ),
            codes=(
                "invalid_parameter",
                "unsupported_content",
                "context_length_exceeded",
                "insufficient_credits",
                "model_not_allowed",
                "model_not_found",
                "rate_limit_exceeded",
                "concurrency_limit_exceeded",
                "provider_busy",
                "provider_error",
                "no_provider_available",
                "provider_timeout",
            ),
        )
    }
}

SCHEMAS: dict[str, JSONObject] = {
    "TokenCount": shapes.record(
        {
            "data": shapes.record(
                {
                    "tokens": shapes.whole(minimum=0),
                    "model": shapes.text("The id of the model that would serve."),
                }
            )
        }
    )
}
