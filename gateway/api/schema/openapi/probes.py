"""What machines read beside the API: whether the service serves, and its metrics. Pure."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from gateway.api.schema.fields import about
from gateway.api.schema.openapi.headers import REQUEST_ID, headers, parameter

JSONObject = dict[str, Any]

METRICS_TOKEN = "metricsToken"  # noqa: S105  # the name of a security scheme
SECURITY_SCHEME: JSONObject = {
    "type": "http",
    "scheme": "bearer",
    "description": "The operator's `METRICS_TOKEN`.",
}


class HealthParts(TypedDict):
    """What the service needs. Redis decides nothing: requests go on without it."""

    database: Literal["ok", "away"]
    redis: Literal["ok", "away", "embedded"]
    migrations: NotRequired[
        Annotated[Literal["applied", "pending"], about("Not told while the database is away.")]
    ]


class HealthAnswer(TypedDict):
    status: Literal["ok", "unavailable"]
    version: str
    parts: HealthParts
    jobs: Annotated[
        dict[str, int], about("How many seconds ago each periodic job last ended well.")
    ]


class Liveness(TypedDict):
    status: Literal["ok"]
    version: str


TYPES: Sequence[Any] = (HealthAnswer, Liveness)

_EXAMPLE = {
    "status": "ok",
    "version": "1.0.0",
    "parts": {"database": "ok", "redis": "ok", "migrations": "applied"},
    "jobs": {"audit_books": 1200},
}
_AWAY = {
    "status": "unavailable",
    "version": "1.0.0",
    "parts": {"database": "away", "redis": "ok"},
    "jobs": {},
}
_METRICS = """\
# HELP xrouter_running Requests that are being answered.
# TYPE xrouter_running gauge
xrouter_running 3.0
"""


def probes(public_url: str, schemas: dict[Any, JSONObject]) -> JSONObject:
    """Return the Path Items. They stand at the root alone, and their failures have no form of errors."""
    server = [{"url": public_url}]
    readiness = {
        "summary": "Ask whether the service serves",
        "description": "Redis and the periodic jobs are shown and decide nothing.",
        "security": [{}],
        "responses": {
            "200": _json("It serves.", schemas[HealthAnswer], "Ready", _EXAMPLE),
            "503": _json(
                "The database is away, or older than the code.",
                schemas[HealthAnswer],
                "Not ready",
                _AWAY,
            ),
        },
    }
    liveness = {
        "summary": "Ask whether the process answers",
        "description": "No store is asked.",
        "security": [{}],
        "responses": {
            "200": _json(
                "It answers.", schemas[Liveness], "Alive", {"status": "ok", "version": "1.0.0"}
            )
        },
    }
    metrics = {
        "summary": "Read the metrics",
        "description": "Loopback and trusted proxies that ask for themselves need no token.",
        "security": [{}, {METRICS_TOKEN: []}],
        "responses": {
            "200": {
                "description": "Prometheus' text format, of all workers together.",
                "headers": headers(),
                "content": {"text/plain": {"schema": {"type": "string"}, "example": _METRICS}},
            },
            "401": {
                "description": "The token is missing or wrong.",
                "headers": headers("WWW-Authenticate"),
            },
            "404": {
                "description": "The operator has set no token, and there is nothing here for others.",
                "headers": headers(),
            },
        },
    }
    written = {
        "/health": ("get_health", readiness),
        "/health/ready": ("get_readiness", readiness),
        "/health/live": ("get_liveness", liveness),
        "/metrics": ("get_metrics", metrics),
    }
    return {
        path: {
            "get": {
                "operationId": name,
                "tags": ["Service"],
                "servers": server,
                "parameters": [parameter(REQUEST_ID)],
                **operation,
            }
        }
        for path, (name, operation) in written.items()
    }


def _json(description: str, schema: JSONObject, summary: str, example: JSONObject) -> JSONObject:
    examples = {"answer": {"summary": summary, "value": example}}
    return {
        "description": description,
        "headers": headers(),
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }
