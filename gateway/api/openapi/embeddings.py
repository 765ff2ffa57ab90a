"""POST /v1/embeddings."""

from gateway.api.chat_request import MAX_LINE_CHARACTERS
from gateway.api.embeddings import MAX_INPUT_CHARACTERS, MAX_INPUTS, MAX_MODEL_CHARACTERS
from gateway.api.openapi import shapes
from gateway.api.openapi.headers import LIMIT_HEADERS
from gateway.api.openapi.operations import json_answer, json_body, operation
from gateway.api.openapi.shapes import JSONObject, ref

REQUEST_EXAMPLES = {
    "texts": (
        "Two texts",
        {"model": "text-search-doc", "input": ["Ереван", "Гюмри"], "encoding_format": "float"},
    )
}
ANSWER_EXAMPLES = {
    "floats": (
        "Vectors as numbers (cut short here)",
        {
            "object": "list",
            "id": "gen-0197c1d2e3f4701122334455667788ac",
            "model": "text-search-doc",
            "data": [
                {"object": "embedding", "index": 0, "embedding": [0.0123, -0.0456]},
                {"object": "embedding", "index": 1, "embedding": [0.0789, 0.0012]},
            ],
            "usage": {"prompt_tokens": 6, "total_tokens": 6, "cost": 0.00006},
        },
    )
}

PATHS: dict[str, JSONObject] = {
    "/v1/embeddings": {
        "post": operation(
            "create_embeddings",
            "Turn texts into vectors",
            tag="Embeddings",
            scope="chat",
            body=json_body("EmbeddingsRequest", REQUEST_EXAMPLES),
            answer=json_answer(
                "The vectors.",
                "Embeddings",
                ANSWER_EXAMPLES,
                header_names=("X-Generation-Id", *LIMIT_HEADERS),
            ),
            codes=(
                "invalid_parameter",
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
            ),
        )
    }
}

SCHEMAS: dict[str, JSONObject] = {
    "EmbeddingsRequest": shapes.form(
        {
            "model": shapes.text(
                "One of the models whose `architecture.output_modalities` name `embeddings`.",
                minLength=1,
                maxLength=MAX_MODEL_CHARACTERS,
            ),
            "input": shapes.texts(
                most=MAX_INPUTS,
                longest=MAX_INPUT_CHARACTERS,
                description="A text or a list of texts; numbers of tokens are not taken.",
                fewest=1,
            ),
            "encoding_format": shapes.text(
                "`base64` gives 32-bit little-endian floats.",
                enum=["float", "base64"],
                default="float",
            ),
            "user": shapes.line(MAX_LINE_CHARACTERS, "Of no effect."),
            "dimensions": {"type": "null", "description": "Each model has a size of its own."},
        },
        required=("model", "input"),
    ),
    "Embeddings": shapes.record(
        {
            "object": shapes.text(const="list"),
            "id": shapes.text("The id for `GET /v1/generation`.", pattern="^gen-[0-9a-f]{32}$"),
            "model": shapes.text("The id of the model that served."),
            "data": shapes.array(ref("Embedding"), "In the order of the texts."),
            "usage": shapes.record(
                {
                    "prompt_tokens": shapes.whole(minimum=0),
                    "total_tokens": shapes.whole(minimum=0),
                    "cost": shapes.number("What was charged, in credits (roubles), exactly."),
                }
            ),
        }
    ),
    "Embedding": shapes.record(
        {
            "object": shapes.text(const="embedding"),
            "index": shapes.whole("Which text it is of.", minimum=0),
            "embedding": {
                "anyOf": [
                    shapes.array(shapes.number()),
                    shapes.text("With `encoding_format` base64.", contentEncoding="base64"),
                ]
            },
        }
    ),
}
