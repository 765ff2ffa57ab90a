"""Every error code of the API, and the Response Objects that name them."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from billing.limits.request_limits import LimitSource
from gateway.api.dialects.openai_chat import error_body, error_type
from gateway.api.errors import Failure
from gateway.api.schema.fields import about
from gateway.api.schema.openapi.headers import LIMIT_HEADERS, headers
from gateway.api.schema.openapi.texts import ERROR_TEXTS
from gateway.moderation.search import FLAGGED_INPUT_CHARACTERS

JSONObject = dict[str, Any]

CODES = {
    "invalid_request": 400,
    "invalid_json": 400,
    "invalid_parameter": 400,
    "unsupported_content": 400,
    "context_length_exceeded": 400,
    "invalid_api_key": 401,
    "insufficient_credits": 402,
    "key_limit_reached": 402,
    "content_filter": 403,
    "ip_not_allowed": 403,
    "model_not_allowed": 403,
    "insufficient_scope": 403,
    "account_suspended": 403,
    "key_frozen": 403,
    "model_not_found": 404,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "conflict": 409,
    "request_too_large": 413,
    "unsupported_media_type": 415,
    "idempotency_mismatch": 422,
    "rate_limit_exceeded": 429,
    "concurrency_limit_exceeded": 429,
    "provider_busy": 429,
    "internal_error": 500,
    "provider_error": 502,
    "no_provider_available": 503,
    "service_unavailable": 503,
    "overloaded": 503,
    "provider_timeout": 504,
}
"""Code → its status, as `api/errors.py` has them: the tests compare the two."""

ERROR_SCHEMA = {"$ref": "#/components/schemas/Error"}
TYPES = sorted({error_type(status) for status in range(400, 505)})

_HEADERS: Mapping[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    402: ("x-should-retry",),
    429: ("Retry-After", "x-should-retry", *LIMIT_HEADERS),
    503: ("Retry-After",),
}


class ErrorMetadata(TypedDict, total=False):
    """What else is known; which of these there are depends on the code."""

    reasons: Annotated[list[str], about("What moderation found.")]
    flagged_input: Annotated[
        str, about("The text that moderation refused.", max_length=FLAGGED_INPUT_CHARACTERS)
    ]
    limit_source: Annotated[
        Literal[LimitSource, "provider", "refused_credentials"], about("Whose limit it was.")
    ]
    limit: Annotated[int, about("The limit that was reached.")]
    provider_name: Annotated[str, about("The provider that failed.")]
    raw: Annotated[str | None, about("The provider's own words, without secrets.")]


class ErrorDetails(TypedDict):
    message: Annotated[str, about("The cause and the remedy.")]
    type: Annotated[
        str, Field(description="Follows from the status.", json_schema_extra={"enum": [*TYPES]})
    ]
    param: Annotated[str | None, about("The field that is wrong.")]
    code: Annotated[
        str, Field(description="What happened, for programs.", json_schema_extra={"enum": [*CODES]})
    ]
    metadata: ErrorMetadata


class ErrorAnswer(TypedDict):
    """Every refusal and every failure. A stream that fails ends with one such event."""

    error: ErrorDetails


def responses(codes: Iterable[str], schema: JSONObject) -> JSONObject:
    """Return the `responses` of an operation that may fail with these codes, by status.

    `schema` is that of the errors; the examples are of the form that most operations have.
    """
    wanted = set(codes)
    by_status: dict[int, list[str]] = {}
    for code, status in CODES.items():
        if code in wanted:
            by_status.setdefault(status, []).append(code)
    return {str(status): _response(status, names, schema) for status, names in by_status.items()}


def examples() -> JSONObject:
    """Return an Example Object for each code."""
    return {
        code: {
            "summary": ERROR_TEXTS[code]["when"],
            "value": error_body(Failure(status, code, **ERROR_TEXTS[code]["example"])),
        }
        for code, status in CODES.items()
    }


def table() -> str:
    """Return all codes as a table in Markdown."""
    rows = [f"| {CODES[code]} | `{code}` | {text['when']} |" for code, text in ERROR_TEXTS.items()]
    return "\n".join(["| status | code | when |", "| --- | --- | --- |", *rows])


def _response(status: int, codes: list[str], schema: JSONObject) -> JSONObject:
    media: JSONObject = {"schema": schema}
    if schema == ERROR_SCHEMA:
        media["examples"] = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    return {
        "description": "\n".join(f"- `{code}`: {ERROR_TEXTS[code]['when']}" for code in codes),
        "headers": headers(*_HEADERS.get(status, ())),
        "content": {"application/json": media},
    }
