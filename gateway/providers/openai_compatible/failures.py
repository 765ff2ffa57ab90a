"""Errors of an OpenAI-compatible server -> the ProviderError tree, free of secrets.

Known shapes: `{"error": {"message", "type", "param", "code"}}` (OpenAI, Ollama, vLLM), the same without
its envelope (vLLM before 0.9), `{"error": "text"}` (vLLM's 401), `{"detail": …}` (FastAPI), and pages of
proxies. `code` is a word at OpenAI, the status at vLLM; at Yandex `httpCode` is the status. Source:
OpenAI's guides/error-codes; vLLM's entrypoints/openai; Ollama's openai/openai.go; llama.cpp's
tools/server; read 2026-11.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.providers._shared.error_responses import ErrorBody, error_from_status, event_text
from gateway.providers._shared.redaction import Redact
from gateway.providers.chat_types import JSONObject
from gateway.providers.errors import ProviderError

_CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_CONTEXT_WORDS = (
    "context length",
    "context size",
    "context window",
    "maximum context",
    "maximum model length",
    "number of input tokens must be no more than",
    "prompt is too long",
)
# What an error inside a stream names in place of a status.
_STATUSES = {
    "BadRequestError": 400,
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
    "invalid_request_error": 400,
    "AuthenticationError": 401,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "insufficient_quota": 402,
    "PermissionDeniedError": 403,
    "permission_error": 403,
    "NotFoundError": 404,
    "model_not_found": 404,
    "RateLimitError": 429,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
}


def error_from_response(
    status: int,
    body: bytes,
    *,
    provider: str,
    redact: Redact,
    retry_after_s: float | None = None,
) -> ProviderError:
    """Make the error that an answer of `status` means."""
    try:
        parsed: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    return error_from_status(
        status,
        read_error(parsed),
        raw=body.decode("utf-8", "replace"),
        provider=provider,
        redact=redact,
        retry_after_s=retry_after_s,
    )


def error_from_event(event: JSONObject, *, provider: str, redact: Redact) -> ProviderError:
    """Make the error that an event inside an answer of status 200 means, 500 if it names no status."""
    error = read_error(event)
    raw = event_text(event)
    return error_from_status(error.status or 500, error, raw=raw, provider=provider, redact=redact)


def read_error(parsed: Any) -> ErrorBody:
    """Read a parsed error, whichever of the known shapes it has."""
    inner = parsed.get("error") if isinstance(parsed, Mapping) else parsed
    if isinstance(parsed, Mapping) and not isinstance(inner, Mapping | str):
        inner = parsed
    fields = inner if isinstance(inner, Mapping) else {"message": inner}
    text = _text(fields.get("message")) or _detail(fields.get("detail"))
    kinds = ("code", "status", "type", "httpCode", "http_code")
    names = [fields.get(kind) for kind in kinds]
    return ErrorBody(
        text,
        next(filter(None, map(_status, names)), None),
        is_about_context=any(isinstance(name, str) and name in _CONTEXT_CODES for name in names)
        or any(words in text.lower() for words in _CONTEXT_WORDS),
    )


def _status(named: Any) -> int | None:
    if isinstance(named, str):
        named = int(named) if re.fullmatch("[45][0-9]{2}", named) else _STATUSES.get(named)
    return named if type(named) is int and 400 <= named < 600 else None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _detail(value: Any) -> str:
    """Read FastAPI's `detail`: a text, or a list of `{"loc": ["body", "n"], "msg": "..."}`."""
    if not isinstance(value, list):
        return _text(value)
    return "; ".join(_text(fault.get("msg")) for fault in value if isinstance(fault, Mapping))
