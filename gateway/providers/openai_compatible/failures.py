"""Refusals of an OpenAI-compatible upstream -> the ProviderError tree, free of secrets.

Known shapes: `{"error": {"message", "type", "param", "code"}}` (OpenAI, Ollama, vLLM), the same without
its envelope (vLLM before 0.9), `{"error": "text"}` (vLLM's 401), `{"detail": …}` (FastAPI), and pages of
proxies. `code` is a word at OpenAI, the status at vLLM. Source: OpenAI's guides/error-codes; vLLM's
entrypoints/openai; Ollama's openai/openai.go; llama.cpp's tools/server; read 2026-11.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)

Scrub = Callable[[str], str]

RAW_CHARS_MAX = 2_000
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


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an upstream says of its refusal; `status` is None where it names none."""

    text: str
    status: int | None = None
    is_about_context: bool = False


def complaint_of(parsed: Any) -> Complaint:
    """Understand an error, whichever of the shapes it has."""
    inner = parsed.get("error") if isinstance(parsed, Mapping) else parsed
    if isinstance(parsed, Mapping) and not isinstance(inner, Mapping | str):
        inner = parsed
    fields = inner if isinstance(inner, Mapping) else {"message": inner}
    text = _text(fields.get("message")) or _detail(fields.get("detail"))
    named = [fields.get("code"), fields.get("status"), fields.get("type")]
    statuses = filter(None, map(_status, named))
    lowered = text.lower()
    return Complaint(
        text,
        next(statuses, None),
        is_about_context=any(isinstance(one, str) and one in _CONTEXT_CODES for one in named)
        or any(words in lowered for words in _CONTEXT_WORDS),
    )


def refusal(
    status: int,
    body: bytes,
    *,
    provider: str,
    scrub: Scrub,
    retry_after: str | None = None,
    now_s: float = 0.0,
) -> ProviderError:
    """Make the error that an answer of `status` means; `now_s` is Unix time, for a dated Retry-After."""
    try:
        complaint = complaint_of(orjson.loads(body))
    except orjson.JSONDecodeError:
        complaint = Complaint("")
    return refusal_of(
        status,
        complaint,
        body.decode("utf-8", "replace"),
        provider=provider,
        scrub=scrub,
        retry_after_s=retry_after_s(retry_after, now_s),
    )


def refusal_of(
    status: int,
    complaint: Complaint,
    raw: str,
    *,
    provider: str,
    scrub: Scrub,
    retry_after_s: float | None = None,
) -> ProviderError:
    """Make the error that `status` means; `raw` is the upstream's own text and may bear secrets."""
    raw = scrub(raw)[:RAW_CHARS_MAX]
    if status in (400, 413, 422):
        return ProviderRejected(
            scrub(complaint.text)[:RAW_CHARS_MAX] or "The provider rejects this request.",
            context_length_exceeded=complaint.is_about_context,
            provider=provider,
            status=status,
            raw=raw,
        )
    kind: type[ProviderError] = ProviderUnavailable
    message = f"The provider answered with status {status}."
    if status in (401, 402, 403):
        kind, message = ProviderAuthError, "The provider refuses our credential."
    elif status == 408:
        kind, message = ProviderTimeout, "The provider took too long."
    elif status == 429:
        kind, message = ProviderRateLimited, "The provider takes no more requests at once."
    return kind(message, provider=provider, status=status, raw=raw, retry_after_s=retry_after_s)


def retry_after_s(value: str | None, now_s: float) -> float | None:
    """Read a Retry-After header, in seconds or an HTTP date; None if it says nothing sensible."""
    if value is None:
        return None
    try:
        wait_s = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        wait_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now_s
    return max(wait_s, 0.0) if math.isfinite(wait_s) else None


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
    return "; ".join(_text(one.get("msg")) for one in value if isinstance(one, Mapping))
