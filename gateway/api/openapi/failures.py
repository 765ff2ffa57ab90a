"""Every error the API answers with: its code, its status, when it comes, an example."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from billing.limits import LimitSource
from gateway.api.errors import Failure
from gateway.api.openapi import shapes
from gateway.api.openapi.headers import headers
from gateway.api.openapi.shapes import JSONObject, ref
from gateway.pipeline.moderation import FLAGGED_INPUT_CHARACTERS

TYPES = sorted({Failure(status, "", "").type for status in range(400, 505)})
LIMIT_SOURCES = [*get_args(LimitSource), "provider"]


@dataclass(frozen=True, slots=True)
class Code:
    """One `error.code`: the status it comes with, and what its example shows."""

    status: int
    when: str
    message: str
    param: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def example(self, code: str) -> JSONObject:
        return Failure(self.status, code, self.message, self.param, self.metadata).body()


_FROM_PROVIDER = {"provider_name": "yandexgpt", "raw": None}

CODES: dict[str, Code] = {
    "invalid_request": Code(
        400, "The request is wrong as a whole.", "The body must be a JSON object."
    ),
    "invalid_json": Code(
        400, "The body is not JSON.", "The body is not valid JSON: unexpected end of data."
    ),
    "invalid_parameter": Code(
        400,
        "A field has a value it cannot have; `param` names it.",
        "temperature must be a number from 0 to 2.",
        "temperature",
    ),
    "unsupported_content": Code(
        400,
        "The model cannot take such content; `param` names it.",
        "messages[0].content[0]: no model here takes input_audio parts; send text or pictures.",
        "messages[0].content[0]",
    ),
    "context_length_exceeded": Code(
        400,
        "The prompt is longer than the model's context.",
        "The maximum context length of gigachat-2 is 131072 tokens, and the messages have 140211"
        " tokens at least. Shorten them.",
        "messages",
    ),
    "invalid_api_key": Code(
        401,
        "No credential, or one that is malformed, unknown, revoked or expired.",
        "No valid API key was given. Send it in the header: Authorization: Bearer YOUR_KEY.",
    ),
    "insufficient_credits": Code(
        402,
        "The available balance does not cover the request, or the model is not free and the"
        " account is.",
        "This needs 0.04 credits at least, and 0.01 are available. Top up the balance, or ask for"
        " less: a shorter prompt, a smaller `max_tokens`, a cheaper model.",
    ),
    "key_limit_reached": Code(
        402,
        "The key's own budget does not cover the request.",
        "This needs 0.04 credits at least, and the key's own limit leaves 0. Raise the limit, wait"
        " for its reset, or use another key.",
    ),
    "content_filter": Code(
        403,
        "Moderation refused the request; `metadata` has `reasons` and `flagged_input`.",
        "The request was refused by moderation: test. Change the text.",
        metadata={"reasons": ["test"], "flagged_input": "xrouter-moderation-test"},
    ),
    "ip_not_allowed": Code(
        403,
        "The key's own list does not name the caller's address.",
        "This API key may not be used from this IP address.",
    ),
    "model_not_allowed": Code(
        403,
        "The key's own list does not name the model.",
        "This key may not use gigachat-2-max: its own list names other models.",
        "model",
    ),
    "insufficient_scope": Code(
        403,
        "The credential lacks the scope of this path.",
        "This credential lacks the scope usage.",
    ),
    "account_suspended": Code(
        403, "The account is shut out.", "This account is suspended. Write to support."
    ),
    "model_not_found": Code(
        404,
        "No such model is served.",
        "There is no model 'gpt-0': GET /v1/models lists them.",
        "model",
    ),
    "not_found": Code(
        404, "No such path, or nothing of the caller's own.", "There is nothing at this path."
    ),
    "method_not_allowed": Code(
        405, "The path has no such method.", "This path has no such method."
    ),
    "request_too_large": Code(
        413,
        "The body is over the limit (20 MiB unless the operator chose another).",
        "The body is larger than 20971520 bytes.",
    ),
    "unsupported_media_type": Code(
        415,
        "A Content-Type is given and is not JSON in UTF-8, or there is a Content-Encoding.",
        "Content-Type is 'text/plain': send application/json.",
    ),
    "rate_limit_exceeded": Code(
        429,
        "A limit of the account or of the key; `metadata.limit_source` names it.",
        "The free tier allows 20 requests in any 60 seconds. Repeat the request in 7 s.",
        metadata={"limit_source": "account_minute", "limit": 20},
    ),
    "concurrency_limit_exceeded": Code(
        429,
        "Too many requests of the account run at once.",
        "As many requests as may be are running for this account: 20. Repeat the request in 1 s.",
        metadata={"limit_source": "concurrency", "limit": 20},
    ),
    "provider_busy": Code(
        429,
        "The provider's own limit, after the fallbacks.",
        "yandexgpt: too many requests",
        metadata=_FROM_PROVIDER | {"limit_source": "provider"},
    ),
    "internal_error": Code(
        500, "XRouter failed.", "XRouter failed. The X-Request-ID header names the case."
    ),
    "provider_error": Code(
        502,
        "Any other failure of the providers, after the fallbacks.",
        "yandexgpt: the connection was refused",
        metadata=_FROM_PROVIDER,
    ),
    "no_provider_available": Code(
        503,
        "No provider meets the request's demands; or none works at present: then with `Retry-After`.",
        "No provider of the model meets the demands of `provider` (order, only, ignore, max_price,"
        " data_collection). Relax them or name another model.",
    ),
    "service_unavailable": Code(
        503,
        "A store that XRouter needs is away.",
        "A store that XRouter needs is away. Repeat the request in a few seconds.",
    ),
    "overloaded": Code(
        503, "XRouter is full.", "XRouter is at its capacity. Repeat the request in a second."
    ),
    "provider_timeout": Code(
        504,
        "The provider was silent for too long, after the fallbacks.",
        "gigachat: no answer in 60 s",
        metadata={"provider_name": "gigachat", "raw": None},
    ),
}

BODY_CODES = ("invalid_request", "invalid_json", "request_too_large", "unsupported_media_type")

SCHEMAS: dict[str, JSONObject] = {
    "Error": shapes.record(
        {
            "error": shapes.record(
                {
                    "message": shapes.text("The cause and the remedy."),
                    "type": shapes.text("Follows from the status.", enum=TYPES),
                    "param": shapes.nullable(shapes.text("The field that is wrong.")),
                    "code": shapes.text("What happened, for programs.", enum=list(CODES)),
                    "metadata": ref("ErrorMetadata"),
                }
            )
        },
        "Every refusal and every failure. A stream that fails ends with one such event.",
    ),
    "ErrorMetadata": shapes.record(
        {
            "reasons": shapes.array(shapes.text(), "What moderation found."),
            "flagged_input": shapes.text(
                "The text that moderation refused.", maxLength=FLAGGED_INPUT_CHARACTERS
            ),
            "limit_source": shapes.text("Whose limit it was.", enum=LIMIT_SOURCES),
            "limit": shapes.whole("The limit that was reached."),
            "provider_name": shapes.text("The provider that failed."),
            "raw": shapes.nullable(shapes.text("The provider's own words, without secrets.")),
        },
        "What else is known; which of these there are depends on the code.",
        optional=("reasons", "flagged_input", "limit_source", "limit", "provider_name", "raw"),
    ),
}

EXAMPLES: dict[str, JSONObject] = {
    name: {"summary": code.when, "value": code.example(name)} for name, code in CODES.items()
}

_HEADERS: Mapping[int, tuple[str, ...]] = {
    402: ("x-should-retry",),
    429: ("Retry-After", "x-should-retry"),
    503: ("Retry-After",),
}


def responses(codes: Iterable[str]) -> JSONObject:
    """Return the `responses` of an operation that fails in these ways, by status."""
    wanted = set(codes)
    by_status: dict[int, list[str]] = {}
    for name in CODES:
        if name in wanted:
            by_status.setdefault(CODES[name].status, []).append(name)
    return {str(status): _response(status, names) for status, names in by_status.items()}


def table() -> str:
    """Return all codes as a table in Markdown."""
    rows = [f"| {code.status} | `{name}` | {code.when} |" for name, code in CODES.items()]
    return "\n".join(["| status | code | when |", "| --- | --- | --- |", *rows])


def _response(status: int, names: list[str]) -> JSONObject:
    return {
        "description": "\n".join(f"- `{name}`: {CODES[name].when}" for name in names),
        "headers": headers(*_HEADERS.get(status, ())),
        "content": {
            "application/json": {
                "schema": ref("Error"),
                "examples": {name: {"$ref": f"#/components/examples/{name}"} for name in names},
            }
        },
    }
