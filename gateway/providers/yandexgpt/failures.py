"""What Yandex answers when it refuses or breaks -> the ProviderError tree.

Three shapes of body are known, and some gateways answer with none of them. Source: bodies quoted in
public code, google.rpc.Status, and yandex-cloud/docs, api-design-guide/concepts/errors.md.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import orjson

from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)

T = TypeVar("T")

PROVIDER = "yandexgpt"
RAW_CHARS = 2000
Scrub = Callable[[str], str]

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
_SECRET = re.compile(
    r"""
      \b t1\.[\w.~+/=-]{8,}                       # IAM token
    | \b AQVN[\w-]{8,}                            # API key
    | \b eyJ[\w-]+\.[\w-]+\.[\w-]*                # JWT
    | (?<=(?:gpt|emb|cls|art)://)[^/\s'"]+       # folder of a model URI
    | (?<=folder\ ID\ ')[^']*                     # Specified folder ID '...' does not match ...
    | \b (?:b1g|aje)[a-z0-9]{17} \b               # folder and service account ids
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a body says: its text, and the HTTP status it names (None where it names none)."""

    text: str
    status: int | None = None


def scrub(text: str, *, secrets: Iterable[str] = ()) -> str:
    """Take `secrets`, and everything that looks like one, out of `text`."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return _SECRET.sub("***", text)


def complaint(body: bytes) -> Complaint:
    """Understand an error body, whichever of the shapes it has.

    `{"error": {"grpcCode", "httpCode", "message", ...}}` of the model host,
    `{"code", "message", "details"}` of IAM and the operations,
    `{"error_code", "error_message"}` of older gateways; anything else is text.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Complaint(body.decode("utf-8", "replace").strip())
    return complaint_of(parsed)


def complaint_of(parsed: Any) -> Complaint:
    """Understand an error that is parsed already, as in a line of a stream."""
    inner = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    if not isinstance(inner, dict):
        return Complaint(inner if isinstance(inner, str) else "")
    text = _first(inner, str, "message", "error_message", "error_code") or ""
    status = _first(inner, int, "httpCode", "http_code")
    if status is None and (grpc := _first(inner, int, "grpcCode", "grpc_code", "code")) is not None:
        status = _HTTP_STATUS.get(grpc, 500)
    # An error that names a success names nothing.
    return Complaint(text, status if status is not None and status >= 400 else None)


def failure(
    status: int, body: bytes, *, scrub: Scrub, headers: Mapping[str, str] | None = None
) -> ProviderError:
    """Make the error that an HTTP answer other than 200 means. `headers` have lower-case names."""
    return refusal(
        status, complaint(body).text, scrub=scrub, retry_after_s=_retry_after_s(headers or {})
    )


def refusal(
    status: int, text: str, *, scrub: Scrub, retry_after_s: float | None = None
) -> ProviderError:
    """Make the error that `status` means; `text` is the provider's own and may bear secrets."""
    said = scrub(text)[:RAW_CHARS]
    if status in (400, 413, 422):
        overflow = status == 413 or _CONTEXT_OVERFLOW in said.lower()
        return ProviderRejected(
            said or "YandexGPT refused the request.",
            context_length_exceeded=overflow,
            provider=PROVIDER,
            status=status,
            raw=said,
        )
    kind: type[ProviderError] = ProviderUnavailable
    message = f"YandexGPT answered {status}."
    if status in (401, 402, 403):
        kind, message = ProviderAuthError, "YandexGPT does not accept the service's credential."
    elif status == 408:
        kind, message = ProviderTimeout, "YandexGPT took too long."
    elif status == 429:
        kind, message = ProviderRateLimited, "YandexGPT is at its limit of requests."
    return kind(message, provider=PROVIDER, status=status, raw=said, retry_after_s=retry_after_s)


def _first(mapping: Mapping[str, Any], kind: type[T], *keys: str) -> T | None:
    values = (mapping.get(key) for key in keys)
    return next(
        (value for value in values if isinstance(value, kind) and not isinstance(value, bool)), None
    )


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After`: seconds or a date. Yandex documents none, proxies before it send one."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
