"""GET /v1/providers/status."""

from gateway.api.openapi import shapes
from gateway.api.openapi.operations import json_answer, operation
from gateway.api.openapi.shapes import JSONObject, ref

_OPERATIONAL = {
    "status": "operational",
    "latency_ms": 412,
    "success_rate": 0.998,
    "last_updated": "2026-11-22T10:00:00+00:00",
}
_UNSEEN = {
    "status": "operational",
    "latency_ms": None,
    "success_rate": None,
    "last_updated": None,
}

PATHS: dict[str, JSONObject] = {
    "/v1/providers/status": {
        "get": operation(
            "get_provider_status",
            "See how the providers are",
            "As the requests of late saw them.",
            tag="Models",
            answer=json_answer(
                "Each provider by its slug.",
                "ProviderStatuses",
                {
                    "both": (
                        "One at work, one that was not asked of late",
                        {"data": {"gigachat": _OPERATIONAL, "yandexgpt": _UNSEEN}},
                    )
                },
            ),
        )
    }
}

SCHEMAS: dict[str, JSONObject] = {
    "ProviderStatuses": shapes.record(
        {"data": {"type": "object", "additionalProperties": ref("ProviderStatus")}}
    ),
    "ProviderStatus": shapes.record(
        {
            "status": shapes.text(enum=["operational", "degraded", "down"]),
            "latency_ms": shapes.nullable(shapes.number("To the first chunk.", minimum=0)),
            "success_rate": shapes.nullable(shapes.number(minimum=0, maximum=1)),
            "last_updated": shapes.nullable(shapes.text(format="date-time")),
        },
        "Null where there was no request of late.",
    ),
}
