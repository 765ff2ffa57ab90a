"""Errors of GigaChat -> the ProviderError tree, free of secrets.

The API answers `{"status": 422, "message": "..."}`, the token endpoint `{"code": 5, "message":
"..."}`, and a proxy on the way may answer a page of HTML. Tokens are bought in packages of one model each:
402 says that the one of this model is used up. Source:
developers.sber.ru/docs/ru/gigachat/api/errors-description, read 2026-11.
"""

from typing import Any

import orjson

from gateway.providers._shared.error_responses import ErrorBody, error_from_status, event_text
from gateway.providers._shared.redaction import Redact
from gateway.providers.chat_types import JSONObject
from gateway.providers.errors import ModelUnpaid, ProviderError

PROVIDER = "gigachat"
_CONTEXT_WORDS = (
    "context length",
    "context size",
    "context window",
    "maximum context",
    "payload too large",
    "token limit",
    "tokens limit",
    "too many tokens",
    "контекст",
)


def error_from_response(
    status: int, body: bytes, *, redact: Redact, retry_after_s: float | None = None
) -> ProviderError:
    """Make the error that an answer of `status` means."""
    try:
        parsed: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    return error_from_status(
        status,
        _read_error(parsed, status),
        raw=body.decode("utf-8", "replace"),
        provider=PROVIDER,
        redact=redact,
        retry_after_s=retry_after_s,
        unpaid=ModelUnpaid,
    )


def error_from_event(event: JSONObject, *, redact: Redact) -> ProviderError | None:
    """Make the error that an event inside an answer of status 200 means; None if it is no error."""
    status = event.get("status")
    if type(status) is not int or not 400 <= status < 600:
        return None
    error = _read_error(event, status)
    return error_from_status(
        status,
        error,
        raw=event_text(event),
        provider=PROVIDER,
        redact=redact,
        unpaid=ModelUnpaid,
    )


def _read_error(parsed: Any, status: int) -> ErrorBody:
    message = parsed.get("message") if isinstance(parsed, dict) else None
    text = message.strip() if isinstance(message, str) else ""
    is_about_context = status == 413 or any(words in text.lower() for words in _CONTEXT_WORDS)
    return ErrorBody(text, is_about_context=is_about_context)
