"""Refusals of GigaChat -> the ProviderError tree, free of secrets.

The API answers `{"status": 422, "message": "..."}`, the token endpoint `{"code": 5, "message":
"..."}`, and a proxy on the way may answer a page of HTML. Source:
developers.sber.ru/docs/ru/gigachat/api/errors-description, read 2026-11.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

import orjson

from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)

PROVIDER = "gigachat"
RAW_CHARS_MAX = 2_000
SECRET_CHARS_MIN = 8
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


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """Put stars in the place of every secret that is too long to be a common word."""
    for secret in secrets:
        if len(secret) >= SECRET_CHARS_MIN:
            text = text.replace(secret, "***")
    return text


def refusal(
    status: int,
    body: bytes,
    *,
    secrets: Iterable[str] = (),
    retry_after: str | None = None,
    now_s: float = 0.0,
) -> ProviderError:
    """Make the error that an answer means; `now_s` is Unix time, for a dated Retry-After."""
    text = scrubbed(body.decode("utf-8", "replace"), secrets)
    return refusal_of(status, text, retry_after_s=retry_after_s(retry_after, now_s))


def refusal_of(status: int, text: str, *, retry_after_s: float | None = None) -> ProviderError:
    """Make the error that `status` means; `text` is the provider's own, already free of secrets."""
    raw = text[:RAW_CHARS_MAX]
    match status:
        case 400 | 413 | 422:
            message = _message(text) or "The provider rejects this request."
            return ProviderRejected(
                message[:RAW_CHARS_MAX],
                context_length_exceeded=status == 413 or _is_about_context(message),
                provider=PROVIDER,
                status=status,
                raw=raw,
            )
        case 401 | 402 | 403:
            return ProviderAuthError(
                "The provider refuses our credential.", provider=PROVIDER, status=status, raw=raw
            )
        case 408:
            return ProviderTimeout(
                "The provider took too long.", provider=PROVIDER, status=status, raw=raw
            )
        case 429:
            return ProviderRateLimited(
                "The provider takes no more requests at once.",
                provider=PROVIDER,
                status=status,
                raw=raw,
                retry_after_s=retry_after_s,
            )
        case _:
            return ProviderUnavailable(
                f"The provider answered with status {status}.",
                provider=PROVIDER,
                status=status,
                raw=raw,
                retry_after_s=retry_after_s,
            )


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
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        wait_s = moment.timestamp() - now_s
    return max(wait_s, 0.0) if math.isfinite(wait_s) else None


def _message(text: str) -> str | None:
    try:
        complaint = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if isinstance(complaint, Mapping):
        message = complaint.get("message")
        if isinstance(message, str):
            return message.strip() or None
    return None


def _is_about_context(message: str) -> bool:
    lowered = message.lower()
    return any(words in lowered for words in _CONTEXT_WORDS)
