"""GET /v1/models, /v1/models/{id} and /v1/parameters/{model}."""

from gateway.api.openapi import shapes
from gateway.api.openapi.operations import json_answer, operation, path_parameter, query
from gateway.api.openapi.shapes import JSONObject, ref

_MODEL_CODES = ("model_not_allowed", "model_not_found")
_NAME = "The model's id or another name of it. A slash in it may be written as it is."

_CARD = {
    "id": "gigachat-2-pro",
    "object": "model",
    "created": 1747000000,
    "owned_by": "sber",
    "name": "GigaChat 2 Pro",
    "description": "Модель Сбера для сложных задач; понимает изображения.",
    "canonical_slug": "gigachat-2-pro",
    "context_length": 131072,
    "pricing": {
        "prompt": "0.0005",
        "completion": "0.0005",
        "input_cache_read": "0",
        "request": "0",
        "image": "0",
        "currency": "RUB",
    },
    "architecture": {
        "modality": "text+image->text",
        "input_modalities": ["text", "image"],
        "output_modalities": ["text"],
        "tokenizer": "gigachat",
        "instruct_type": None,
    },
    "top_provider": {
        "context_length": 131072,
        "max_completion_tokens": 8192,
        "is_moderated": True,
    },
    "per_request_limits": None,
    "supported_parameters": ["max_tokens", "temperature", "top_p", "stop", "tools", "stream"],
    "supported_features": ["streaming", "tools", "vision"],
    "is_free": False,
}
_PARAMETERS = {
    "model": "yandexgpt",
    "supported_parameters": ["max_tokens", "temperature", "stop", "stream"],
    "parameters": {
        "max_tokens": {"type": "integer", "min": 1, "max": 8192, "default": None},
        "temperature": {"type": "number", "min": 0, "max": 1, "default": 0.3},
        "stop": {"type": "array", "default": None},
        "stream": {"type": "boolean", "default": None},
    },
}

PATHS: dict[str, JSONObject] = {
    "/v1/models": {
        "get": operation(
            "list_models",
            "List the models",
            "What is served at present; with a key, only what the key may use.",
            tag="Models",
            parameters=[
                query(
                    "provider",
                    "Only models of this provider.",
                    shapes.text(examples=["gigachat", "yandexgpt"]),
                ),
                query(
                    "supported_parameters",
                    "Only models that honour all of these, separated by commas.",
                    shapes.text(examples=["tools,response_format"]),
                ),
            ],
            answer=json_answer(
                "The models.",
                "ModelList",
                {"models": ("A list", {"object": "list", "data": [_CARD]})},
            ),
        )
    },
    "/v1/models/{id}": {
        "get": operation(
            "get_model",
            "Describe a model",
            tag="Models",
            parameters=[path_parameter("id", _NAME, "gigachat-2-pro")],
            answer=json_answer("The model.", "Model", {"model": ("A model", _CARD)}),
            codes=_MODEL_CODES,
        )
    },
    "/v1/parameters/{model}": {
        "get": operation(
            "get_parameters",
            "List the parameters that a model honours",
            "A value out of its range is clamped, any other parameter is ignored; both are named in"
            " `X-XRouter-Adapted`.",
            tag="Models",
            scope="chat",
            parameters=[path_parameter("model", _NAME, "yandexgpt")],
            answer=json_answer(
                "The parameters, with ranges and defaults.",
                "ModelParameters",
                {"parameters": ("The parameters of a model", {"data": _PARAMETERS})},
            ),
            codes=_MODEL_CODES,
        )
    },
}

_PRICE = shapes.text(pattern=r"^\d+(\.\d+)?$")

SCHEMAS: dict[str, JSONObject] = {
    "ModelList": shapes.record(
        {"object": shapes.text(const="list"), "data": shapes.array(ref("Model"))}
    ),
    "Model": shapes.record(
        {
            "id": shapes.text(),
            "object": shapes.text(const="model"),
            "created": shapes.whole("Seconds since 1970."),
            "owned_by": shapes.text(),
            "name": shapes.text(),
            "description": shapes.text(),
            "canonical_slug": shapes.text(),
            "context_length": shapes.whole("Tokens of prompt and answer together.", minimum=0),
            "pricing": ref("Pricing"),
            "architecture": shapes.record(
                {
                    "modality": shapes.text(examples=["text+image->text"]),
                    "input_modalities": shapes.array(shapes.text(enum=["text", "image"])),
                    "output_modalities": shapes.array(shapes.text(enum=["text", "embeddings"])),
                    "tokenizer": shapes.text(),
                    "instruct_type": shapes.nullable(shapes.text()),
                }
            ),
            "top_provider": shapes.record(
                {
                    "context_length": shapes.whole(minimum=0),
                    "max_completion_tokens": shapes.nullable(shapes.whole(minimum=1)),
                    "is_moderated": shapes.flag(),
                }
            ),
            "per_request_limits": {"type": "null"},
            "supported_parameters": shapes.array(
                shapes.text(), "What every provider of the model honours."
            ),
            "supported_features": shapes.array(
                shapes.text(
                    enum=[
                        "streaming",
                        "tools",
                        "parallel_tool_calls",
                        "json_mode",
                        "structured_outputs",
                        "vision",
                        "reasoning",
                    ]
                )
            ),
            "is_free": shapes.flag("Whether accounts of the free tier may use it."),
        }
    ),
    "Pricing": shapes.record(
        {
            "prompt": _PRICE,
            "completion": _PRICE,
            "input_cache_read": _PRICE,
            "request": _PRICE,
            "image": _PRICE,
            "currency": shapes.text(const="RUB"),
        },
        "Credits (roubles) per single token, per request, per image, as decimal texts.",
    ),
    "ModelParameters": shapes.record(
        {
            "data": shapes.record(
                {
                    "model": shapes.text(),
                    "supported_parameters": shapes.array(shapes.text()),
                    "parameters": {
                        "type": "object",
                        "description": "Name → what it may be.",
                        "additionalProperties": ref("Parameter"),
                    },
                }
            )
        }
    ),
    "Parameter": shapes.record(
        {
            "type": shapes.text(enum=["array", "boolean", "integer", "number", "object", "string"]),
            "min": shapes.number(),
            "exclusive_min": shapes.flag("Whether `min` itself is out of range."),
            "max": shapes.number(),
            "choices": shapes.array(shapes.text()),
            "default": {
                "description": "Null where the provider does not say.",
                "type": ["number", "string", "null"],
            },
        },
        optional=("min", "exclusive_min", "max", "choices"),
    ),
}
