"""The one table: exception → status, code, message, param, metadata and headers.

How a failure is written as JSON is the dialect's.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from django.utils.translation.trans_real import parse_accept_lang_header
from rest_framework.exceptions import MethodNotAllowed

from accounts import errors as accounts
from accounts.security.tallies import REFUSED_MOST
from billing import errors as billing
from billing.limits.request_limits import LimitExceeded, LimitStoreUnavailable
from gateway.api.error_texts import translated
from gateway.catalog.snapshot import CatalogueUnavailable
from gateway.moderation.live import RulesUnavailable
from gateway.pipeline import errors as pipeline
from gateway.pipeline.emulation.unusable_answer import UnusableAnswer
from gateway.providers import errors as providers
from gateway.upstreams import PoolUnavailable
from infra import outages, request_facts

logger = logging.getLogger(__name__)

PROVIDER_RETRY_AFTER_S = 5
RETRY_AFTER_MAX_S = 60
ENGLISH = "en"
NEVER_RETRY = {"x-should-retry": "false"}
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="XRouter"'}
"""Which credential a 401 asks for: RFC 6750, section 3."""


class BadRequest(Exception):
    """The HTTP request itself is wrong, before anything of it was understood."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str = "invalid_request",
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.param = param


class IdempotencyMismatch(Exception):
    """The Idempotency-Key was used with another request."""


class Overloaded(Exception):
    """This worker is at its capacity."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as the caller sees it, in whatever dialect it is written."""

    status: int
    code: str
    message: str = ""
    param: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


INTERNAL_ERROR = Failure(
    500, "internal_error", "XRouter failed. The X-Request-ID header names the case."
)
STORE_AWAY = Failure(
    503,
    "service_unavailable",
    "A store that XRouter needs is away. Repeat the request in a few seconds.",
    headers={"Retry-After": "5"},
)
FULL = Failure(
    503,
    "overloaded",
    "XRouter is at its capacity. Repeat the request in a second.",
    headers={"Retry-After": "1"},
)
_TABLE: dict[type[Exception], Failure] = {
    pipeline.InvalidRequest: Failure(400, "invalid_request"),
    pipeline.InvalidParameter: Failure(400, "invalid_parameter"),
    pipeline.UnsupportedContent: Failure(400, "unsupported_content"),
    pipeline.ContextLengthExceeded: Failure(400, "context_length_exceeded"),
    providers.UnsupportedInput: Failure(400, "invalid_parameter"),
    SuspiciousOperation: Failure(400, "invalid_request", "The request is not acceptable."),
    accounts.InvalidCredential: Failure(401, "invalid_api_key", headers=CHALLENGE),
    billing.InsufficientCredits: Failure(402, "insufficient_credits", headers=NEVER_RETRY),
    billing.KeyLimitReached: Failure(402, "key_limit_reached", headers=NEVER_RETRY),
    pipeline.PaidModelOnFreeTier: Failure(402, "insufficient_credits", headers=NEVER_RETRY),
    accounts.TooManyRefusedCredentials: Failure(429, "rate_limit_exceeded"),
    accounts.AccountSuspended: Failure(403, "account_suspended"),
    accounts.KeyFrozen: Failure(403, "key_frozen"),
    accounts.IPNotAllowed: Failure(403, "ip_not_allowed"),
    accounts.InsufficientScope: Failure(403, "insufficient_scope"),
    PermissionDenied: Failure(403, "insufficient_scope", "The credential may not do this."),
    pipeline.ModelNotAllowed: Failure(403, "model_not_allowed"),
    pipeline.ModerationRefused: Failure(403, "content_filter"),
    pipeline.ModelNotFound: Failure(404, "model_not_found"),
    Http404: Failure(404, "not_found", "There is nothing at this path."),
    MethodNotAllowed: Failure(405, "method_not_allowed", "This path has no such method."),
    accounts.KeyEnded: Failure(409, "conflict"),
    RequestDataTooBig: Failure(413, "request_too_large", "The body is too large."),
    IdempotencyMismatch: Failure(
        422,
        "idempotency_mismatch",
        "This Idempotency-Key was used with another request within the last 24 hours."
        " Send a new key, or the same body to the same path.",
        "Idempotency-Key",
    ),
    pipeline.NoProviderAvailable: Failure(503, "no_provider_available"),
    pipeline.ProvidersFull: FULL,
    Overloaded: FULL,
    billing.MoneyStoreBusy: FULL,
    LimitStoreUnavailable: STORE_AWAY,
    billing.MoneyStoreUnavailable: STORE_AWAY,
    accounts.CredentialStoreUnavailable: STORE_AWAY,
    CatalogueUnavailable: STORE_AWAY,
    RulesUnavailable: STORE_AWAY,
    PoolUnavailable: STORE_AWAY,
}
"""By the class of the exception, or the nearest that it is derived from. No message: the exception's own."""


def failure_of(error: Exception, *, language: str = ENGLISH) -> Failure:
    """Return what the caller sees of `error`, its message in `language`.

    One that is not in the table is ours and is logged.
    """
    failure = _failure_of(error)
    facts = request_facts.current()
    facts.code, facts.param = failure.code, failure.param
    facts.limit_source = failure.metadata.get("limit_source")
    if language == ENGLISH:
        return failure
    return replace(failure, message=translated(failure.message, language))


def language_of(headers: Mapping[str, str]) -> str:
    """Return the language of the message: what `Accept-Language` prefers of LANGUAGES, English if nothing."""
    for preferred, _ in parse_accept_lang_header(headers.get("Accept-Language", "")):
        language = preferred.partition("-")[0]
        if language in dict(settings.LANGUAGES):
            return language
    return ENGLISH


def _failure_of(error: Exception) -> Failure:
    match error:
        case BadRequest():
            return Failure(error.status, error.code, error.message, error.param)
        case providers.ProviderError():
            return _provider_failure(error)
        case LimitExceeded():
            return _limit_failure(error)
    row = next((_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE), None)
    if row is None and outages.is_outage(error):
        outages.database.note(error)
        return STORE_AWAY
    if row is None:
        logger.error("Unforeseen failure", exc_info=error)
        return INTERNAL_ERROR
    failure = row if row.message else replace(row, message=str(error))
    match error:
        case accounts.TooManyRefusedCredentials():
            return _network_failure(failure, error)
        case pipeline.ModerationRefused():
            metadata = {"reasons": list(error.reasons), "flagged_input": error.flagged_input}
            return replace(failure, metadata=metadata)
        case pipeline.NoProviderAvailable(retry_after_s=float() | int() as wait_s):
            failure = replace(failure, headers=_retry_after(wait_s))
    if isinstance(error, pipeline.RequestRefused | providers.UnsupportedInput):
        return replace(failure, param=error.param)
    return failure


def _network_failure(failure: Failure, error: accounts.TooManyRefusedCredentials) -> Failure:
    headers = {
        "Retry-After": str(error.retry_after_s),
        **rate_headers(REFUSED_MOST, 0, error.retry_after_s),
        **NEVER_RETRY,
    }
    return replace(failure, metadata={"limit_source": "refused_credentials"}, headers=headers)


def _provider_failure(error: providers.ProviderError) -> Failure:
    metadata = {"provider_name": error.provider, "raw": error.raw}
    message = f"{error.provider}: {error.message}"
    match error:
        case providers.ProviderRejected():
            code = "context_length_exceeded" if error.context_length_exceeded else "invalid_request"
            return Failure(400, code, message, error.param, metadata)
        case providers.ProviderRateLimited():
            wait_s = error.retry_after_s
            headers = _retry_after(PROVIDER_RETRY_AFTER_S if wait_s is None else wait_s)
            metadata["limit_source"] = "provider"
            return Failure(429, "provider_busy", message, metadata=metadata, headers=headers)
        case providers.ProviderTimeout():
            return Failure(504, "provider_timeout", message, metadata=metadata)
        case UnusableAnswer():  # the model was asked twice, and more may be charged
            return Failure(502, "provider_error", message, metadata=metadata, headers=NEVER_RETRY)
    return Failure(502, "provider_error", message, metadata=metadata)


def _limit_failure(error: LimitExceeded) -> Failure:
    code = "concurrency_limit_exceeded" if error.is_concurrency else "rate_limit_exceeded"
    headers = {
        "Retry-After": str(max(1, math.ceil(error.retry_after_s))),
        **rate_headers(error.limit, error.remaining, error.reset_s),
    }
    if error.is_hopeless:
        headers |= NEVER_RETRY
    metadata = {"limit_source": error.source, "limit": error.limit}
    return Failure(429, code, str(error), metadata=metadata, headers=headers)


def rate_headers(limit: int, remaining: int, reset_s: float) -> dict[str, str]:
    """Return OpenAI's headers of a limit: what it allows, what is left, and when it is unused again."""
    return {
        "x-ratelimit-limit-requests": str(limit),
        "x-ratelimit-remaining-requests": str(remaining),
        "x-ratelimit-reset-requests": f"{reset_s:g}s",
    }


def _retry_after(wait_s: float) -> dict[str, str]:
    """Return the header, in whole seconds from 1 to RETRY_AFTER_MAX_S."""
    return {"Retry-After": str(math.ceil(min(RETRY_AFTER_MAX_S, max(1, wait_s))))}
