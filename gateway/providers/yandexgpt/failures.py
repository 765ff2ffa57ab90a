"""Errors of YandexGPT and IAM -> the ProviderError tree, free of secrets.

Three shapes of body are known: `{"error": {"grpcCode", "httpCode", "message", ...}}` of the models'
host, `{"code", "message", "details"}` of IAM and the operations, `{"error_code", "error_message"}` of
older gateways. Some gateways answer plain text. Source: bodies quoted in public code,
google.rpc.Status, and yandex-cloud/docs, api-design-guide/concepts/errors.md.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from gateway.providers._shared.error_responses import ErrorBody, error_from_status
from gateway.providers._shared.redaction import Redact
from gateway.providers.chat_types import JSONObject
from gateway.providers.errors import ProviderError

T = TypeVar("T")

PROVIDER = "yandexgpt"
# google.rpc.Code -> HTTP status
_HTTP_STATUS = {
    1: 499,
    3: 400,
    4: 504,
    5: 404,
    7: 403,
    8: 429,
    9: 400,
    11: 400,
    13: 500,
    14: 503,
    16: 401,
}
_CONTEXT_OVERFLOW = "number of input tokens must be no more than"


def error_from_response(
    status: int, body: bytes, *, redact: Redact, retry_after_s: float | None = None
) -> ProviderError:
    """Make the error that an answer of `status` means."""
    return _error(status, read_body(body), redact=redact, retry_after_s=retry_after_s)


def error_from_line(line: JSONObject, *, redact: Redact) -> ProviderError:
    """Make the error that a line inside an answer of status 200 means, 500 if it names no status."""
    error = read_error(line)
    return _error(error.status or 500, error, redact=redact)


def read_body(body: bytes) -> ErrorBody:
    """Read the body of an error; what is no JSON is text."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ErrorBody(body.decode("utf-8", "replace").strip())
    return read_error(parsed)


def read_error(parsed: Any) -> ErrorBody:
    """Read a parsed error, whichever of the known shapes it has."""
    inner = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    if not isinstance(inner, dict):
        return ErrorBody(inner if isinstance(inner, str) else "")
    text = _first(inner, str, "message", "error_message", "error_code") or ""
    status = _first(inner, int, "httpCode", "http_code")
    if status is None and (grpc := _first(inner, int, "grpcCode", "grpc_code", "code")) is not None:
        status = _HTTP_STATUS.get(grpc, 500)
    # An error that names a success names nothing.
    return ErrorBody(text, status if status is not None and status >= 400 else None)


def _error(
    status: int, error: ErrorBody, *, redact: Redact, retry_after_s: float | None = None
) -> ProviderError:
    is_about_context = status == 413 or _CONTEXT_OVERFLOW in error.text.lower()
    return error_from_status(
        status,
        replace(error, is_about_context=is_about_context),
        raw=error.text,
        provider=PROVIDER,
        redact=redact,
        retry_after_s=retry_after_s,
    )


def _first(mapping: Mapping[str, Any], kind: type[T], *keys: str) -> T | None:
    values = (mapping.get(key) for key in keys)
    return next(
        (value for value in values if isinstance(value, kind) and not isinstance(value, bool)), None
    )
