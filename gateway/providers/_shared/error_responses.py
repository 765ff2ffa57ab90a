"""Answers other than success -> the ProviderError tree, free of secrets."""

from dataclasses import dataclass

import orjson

from gateway.providers._shared.redaction import Redact
from gateway.providers.chat_types import JSONObject
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)

RAW_CHARS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What a provider says of an error; `status` is the HTTP status it names, None if none."""

    text: str
    status: int | None = None
    is_about_context: bool = False


def error_from_status(
    status: int,
    body: ErrorBody,
    *,
    raw: str,
    provider: str,
    redact: Redact,
    retry_after_s: float | None = None,
    unpaid: type[ProviderAuthError] = ProviderAuthError,
) -> ProviderError:
    """Make the error that `status` means; `body` and `raw` are the provider's own words.

    `unpaid` is what 402 means.
    """
    raw = redact(raw)[:RAW_CHARS_MAX]
    if status in (400, 413, 422):
        return ProviderRejected(
            redact(body.text)[:RAW_CHARS_MAX] or "The provider rejects this request.",
            context_length_exceeded=body.is_about_context,
            provider=provider,
            status=status,
            raw=raw,
        )
    kind: type[ProviderError] = ProviderUnavailable
    message = f"The provider answered with status {status}."
    if status in (401, 402, 403):
        kind = unpaid if status == 402 else ProviderAuthError
        message = "The provider refuses our credential."
    elif status == 408:
        kind, message = ProviderTimeout, "The provider took too long."
    elif status == 429:
        kind, message = ProviderRateLimited, "The provider takes no more requests at once."
    return kind(message, provider=provider, status=status, raw=raw, retry_after_s=retry_after_s)


def event_text(event: JSONObject) -> str:
    """Write an event down for `raw`; empty if it is nested too deep to be written."""
    try:
        return orjson.dumps(event).decode()
    except orjson.JSONEncodeError:
        return ""
