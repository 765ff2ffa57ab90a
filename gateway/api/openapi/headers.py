"""The headers of requests and answers, each described once."""

from gateway.api.openapi import shapes
from gateway.api.openapi.shapes import JSONObject

REQUEST_ID = "X-Request-ID"
LIMIT_HEADERS = (
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
)
COMPLETION_HEADERS = (
    "X-Generation-Id",
    "X-XRouter-Attempts",
    "X-XRouter-Adapted",
    *LIMIT_HEADERS,
)

HEADERS: dict[str, JSONObject] = {
    REQUEST_ID: {
        "description": "The request's id: the caller's own where it sent one, else a new one.",
        "required": True,
        "schema": shapes.text(),
    },
    "X-Generation-Id": {
        "description": "The completion's id, the `id` of the body, for `GET /v1/generation`.",
        "schema": shapes.text(pattern="^gen-[0-9a-f]{32}$"),
    },
    "X-XRouter-Attempts": {
        "description": "How many candidates were tried when the status was sent.",
        "schema": shapes.whole(minimum=1),
    },
    "X-XRouter-Adapted": {
        "description": "What is not as the caller asked, as far as it was known when the status was sent."
        " Absent when nothing is.",
        "schema": shapes.text(),
        "example": "temperature=clamped, logit_bias=ignored",
    },
    "x-ratelimit-limit-requests": {
        "description": "The tightest limit of requests.",
        "schema": shapes.whole(minimum=0),
    },
    "x-ratelimit-remaining-requests": {
        "description": "What that limit leaves.",
        "schema": shapes.whole(minimum=0),
    },
    "x-ratelimit-reset-requests": {
        "description": "When that limit is whole again, if nothing follows.",
        "schema": shapes.text(),
        "example": "60s",
    },
    "Retry-After": {
        "description": "Seconds after which the request may be repeated.",
        "schema": shapes.whole(minimum=1),
    },
    "x-should-retry": {
        "description": "`false` where repeating the request by itself is of no use.",
        "schema": shapes.text(enum=["false"]),
    },
}

PARAMETERS: dict[str, JSONObject] = {
    REQUEST_ID: {
        "name": REQUEST_ID,
        "in": "header",
        "description": "The caller's own id for the request, repeated in the answer and in the logs."
        " One that is not of this form is replaced.",
        "schema": shapes.text(pattern="^[A-Za-z0-9._:-]{1,128}$"),
    },
    "X-XRouter-Strict": {
        "name": "X-XRouter-Strict",
        "in": "header",
        "description": "`true` refuses with 400 what would otherwise be clamped or ignored"
        " and named in `X-XRouter-Adapted`.",
        "schema": shapes.text(enum=["true", "false"], default="false"),
    },
}


def headers(*names: str) -> JSONObject:
    """Return the `headers` of a response; the request's id is among them always."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (REQUEST_ID, *names)}


def parameter(name: str) -> JSONObject:
    """Point at a request header."""
    return {"$ref": f"#/components/parameters/{name}"}
