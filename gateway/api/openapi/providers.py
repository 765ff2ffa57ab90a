"""GET /v1/providers/status."""

from typing import get_args

from gateway.api.openapi import shapes
from gateway.api.openapi.operations import json_answer, operation
from gateway.api.openapi.shapes import JSONObject, ref
from gateway.health.status import Word

_STATUS = {
    "gigachat": {
        "status": "operational",
        "latency_ms": 640,
        "success_rate": 0.9987,
        "last_updated": "2026-11-22T09:30:00+00:00",
    },
    "yandexgpt": {
        "status": "degraded",
        "latency_ms": 1210,
        "success_rate": 0.91,
        "last_updated": "2026-11-22T09:30:00+00:00",
    },
}

PATHS: dict[str, JSONObject] = {
    "/v1/providers/status": {
        "get": operation(
            "get_providers_status",
            "Read how the providers are",
            "By the real requests of the last five minutes, of all callers; nothing is sent to a provider for"
            " it. Every provider that is served is there, by its slug.",
            tag="Models",
            answer=json_answer(
                "The providers.",
                "ProvidersStatus",
                {"status": ("Two providers", {"data": _STATUS})},
            ),
        )
    }
}

SCHEMAS: dict[str, JSONObject] = {
    "ProvidersStatus": shapes.record(
        {
            "data": {
                "type": "object",
                "description": "Slug → how the provider is.",
                "additionalProperties": ref("ProviderStatus"),
            }
        }
    ),
    "ProviderStatus": shapes.record(
        {
            "status": shapes.text(
                "`degraded`: some requests fail, or some models or credentials are out of use; `down`: all"
                " of them.",
                enum=list(get_args(Word)),
            ),
            "latency_ms": shapes.nullable(
                shapes.whole(
                    "Median time to the first token (of plain answers, to the answer); null where nothing"
                    " was measured.",
                    minimum=0,
                )
            ),
            "success_rate": shapes.number(
                "Share of the requests that the provider answered; 1 where there were none.",
                minimum=0,
                maximum=1,
            ),
            "last_updated": shapes.text(format="date-time"),
        }
    ),
}
