"""The headers of requests and answers, each described once."""

from typing import Any

from gateway.api.retries.idempotency_key import HEADER as IDEMPOTENCY_HEADER
from gateway.api.retries.idempotency_key import MAX_CHARACTERS
from gateway.api.schema.openapi.completion_answers import GENERATION_ID
from gateway.api.schema.unknown_fields import (
    ADAPTED_HEADER,
    ADAPTED_HEADER_MAX_BYTES,
    STRICT_HEADER,
)
from gateway.api.sunset import DEPRECATION, SUNSET

JSONObject = dict[str, Any]

REQUEST_ID = "X-Request-ID"
LIMIT_HEADERS = (
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
)
END_HEADERS = (DEPRECATION, SUNSET)
COMPLETION_HEADERS = ("X-Generation-Id", "X-XRouter-Attempts", *LIMIT_HEADERS, *END_HEADERS)

HEADERS: dict[str, JSONObject] = {
    REQUEST_ID: {
        "description": "The request's id: the caller's own where it sent one, else a new one.",
        "required": True,
        "schema": {"type": "string"},
    },
    "request-id": {
        "description": "As `X-Request-ID`, under the name that Anthropic's SDKs read.",
        "required": True,
        "schema": {"type": "string"},
    },
    "X-Generation-Id": {
        "description": "The completion's id, the `id` of the body, for `GET /v1/generation`.",
        "schema": {"type": "string", "pattern": GENERATION_ID},
    },
    "X-XRouter-Attempts": {
        "description": "How many candidates were tried when the status was sent.",
        "schema": {"type": "integer", "minimum": 1},
    },
    DEPRECATION: {
        "description": "RFC 9745: since when the end of the model is announced. Absent where it has no end.",
        "schema": {"type": "string", "pattern": "^@[0-9]+$"},
    },
    SUNSET: {
        "description": "RFC 8594: the moment from which the model is served no more.",
        "schema": {"type": "string"},
        "example": "Sat, 31 Oct 2026 21:00:00 GMT",
    },
    ADAPTED_HEADER: {
        "description": "What is not as the caller asked, as far as it was known when the status was sent."
        " Absent when nothing is. `GET /v1/generation` names what has no room here.",
        "schema": {"type": "string", "maxLength": ADAPTED_HEADER_MAX_BYTES},
        "example": "temperature=clamped, logit_bias=ignored",
    },
    "x-ratelimit-limit-requests": {
        "description": "The tightest limit of requests.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "x-ratelimit-remaining-requests": {
        "description": "What that limit leaves.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "x-ratelimit-reset-requests": {
        "description": "When that limit is whole again, if nothing follows.",
        "schema": {"type": "string"},
        "example": "60s",
    },
    "WWW-Authenticate": {
        "description": "Which credential is asked for.",
        "schema": {"type": "string"},
        "example": 'Bearer realm="XRouter"',
    },
    "Retry-After": {
        "description": "Seconds after which the request may be repeated.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "x-should-retry": {
        "description": "`false` where repeating the request by itself is of no use.",
        "schema": {"type": "string", "enum": ["false"]},
    },
}

PARAMETERS: dict[str, JSONObject] = {
    REQUEST_ID: {
        "name": REQUEST_ID,
        "in": "header",
        "description": "The caller's own id for the request, repeated in the answer and in the logs."
        " One that is not of this form is replaced.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
    },
    STRICT_HEADER: {
        "name": STRICT_HEADER,
        "in": "header",
        "description": "`true` refuses with 400 what would otherwise be clamped or ignored"
        " and named in `X-XRouter-Adapted`.",
        "schema": {"type": "string", "enum": ["true", "false"], "default": "false"},
    },
    IDEMPOTENCY_HEADER: {
        "name": IDEMPOTENCY_HEADER,
        "in": "header",
        "description": "Makes a plain request run once: another with this value, the same credential, path and"
        " body within 24 hours is given the same answer, at no charge. A failure is not remembered."
        " On a streamed request it is ignored.",
        "schema": {
            "type": "string",
            "pattern": "^[ -~]+$",
            "minLength": 1,
            "maxLength": MAX_CHARACTERS,
        },
    },
}


def headers(*names: str) -> JSONObject:
    """Return the `headers` of a response; the request's id is among them always."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (REQUEST_ID, *names)}


def parameter(name: str) -> JSONObject:
    """Point at a request header."""
    return {"$ref": f"#/components/parameters/{name}"}
