"""The one table: exception → status, type, code and headers, in OpenAI's envelope."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views import defaults
from rest_framework.exceptions import MethodNotAllowed

from accounts import errors as accounts
from billing import errors as billing
from billing.limits import LimitExceeded, LimitStoreUnavailable
from gateway.catalog import CatalogueUnavailable
from gateway.pipeline import errors as pipeline
from gateway.providers import errors as providers
from gateway.upstreams import PoolUnavailable

logger = logging.getLogger(__name__)

STORE_RETRY_AFTER_S = 5
PROVIDER_RETRY_AFTER_S = 5
NEVER_RETRY = {"x-should-retry": "false"}


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


class Overloaded(Exception):
    """This worker is at its capacity."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as the caller sees it."""

    status: int
    code: str
    message: str
    param: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        match self.status:
            case 401:
                return "authentication_error"
            case 402:
                return "insufficient_quota"
            case 403:
                return "permission_error"
            case 429:
                return "rate_limit_error"
            case status if status >= 500:
                return "api_error"
        return "invalid_request_error"

    def body(self) -> dict[str, Any]:
        """`{"error": {"message", "type", "param", "code", "metadata"}}`."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
                "metadata": dict(self.metadata),
            }
        }

    def response(self) -> HttpResponse:
        body = orjson.dumps(self.body())
        return HttpResponse(
            body,
            status=self.status,
            content_type="application/json",
            headers={"Content-Length": str(len(body)), **self.headers},
        )


def failure_of(error: Exception) -> Failure:
    """Say what the caller is told of `error`; one that is not in the table is ours and is logged."""
    match error:
        case BadRequest():
            return Failure(error.status, error.code, error.message, error.param)
        case providers.ProviderError():
            return _provider_failure(error)
        case pipeline.RequestRefused():
            return _refusal(error)
        case providers.UnsupportedInput():
            return Failure(400, "invalid_parameter", error.message, error.param)
        case LimitExceeded():
            return _limit_failure(error)
        case (
            LimitStoreUnavailable()
            | billing.MoneyStoreUnavailable()
            | accounts.CredentialStoreUnavailable()
            | CatalogueUnavailable()
            | PoolUnavailable()
        ):
            return Failure(
                503,
                "service_unavailable",
                "A store that XRouter needs is away. Repeat the request in a few seconds.",
                headers=_retry_after(STORE_RETRY_AFTER_S),
            )
        case Overloaded():
            return Failure(
                503,
                "overloaded",
                "XRouter is at its capacity. Repeat the request in a second.",
                headers=_retry_after(1),
            )
        case MethodNotAllowed():
            return Failure(405, "method_not_allowed", "This path has no such method.")
        case Http404():
            return Failure(404, "not_found", "There is nothing at this path.")
        case _ if type(error) in _PLAIN:
            status, code = _PLAIN[type(error)]
            headers = NEVER_RETRY if status == 402 else {}
            return Failure(status, code, str(error), headers=headers)
        case RequestDataTooBig():
            return Failure(413, "request_too_large", "The body is too large.")
        case SuspiciousOperation():
            return Failure(400, "invalid_request", "The request is not acceptable.")
        case PermissionDenied():
            return Failure(403, "insufficient_scope", "The credential may not do this.")
    logger.error("Unforeseen failure", exc_info=error)
    return _unforeseen()


_PLAIN: dict[type[Exception], tuple[int, str]] = {
    accounts.InvalidCredential: (401, "invalid_api_key"),
    accounts.AccountSuspended: (403, "account_suspended"),
    accounts.IPNotAllowed: (403, "ip_not_allowed"),
    accounts.InsufficientScope: (403, "insufficient_scope"),
    billing.InsufficientCredits: (402, "insufficient_credits"),
    billing.KeyLimitReached: (402, "key_limit_reached"),
}

_REFUSALS: dict[type[pipeline.RequestRefused], tuple[int, str]] = {
    pipeline.InvalidRequest: (400, "invalid_request"),
    pipeline.InvalidParameter: (400, "invalid_parameter"),
    pipeline.UnsupportedContent: (400, "unsupported_content"),
    pipeline.ContextLengthExceeded: (400, "context_length_exceeded"),
    pipeline.ModelNotFound: (404, "model_not_found"),
    pipeline.ModelNotAllowed: (403, "model_not_allowed"),
    pipeline.PaidModelOnFreeTier: (402, "insufficient_credits"),
    pipeline.NoProviderAvailable: (503, "no_provider_available"),
    pipeline.ModerationRefused: (403, "content_filter"),
}


def _refusal(error: pipeline.RequestRefused) -> Failure:
    status, code = _REFUSALS[type(error)]
    metadata: dict[str, Any] = {}
    if isinstance(error, pipeline.ModerationRefused):
        metadata = {"reasons": list(error.reasons), "flagged_input": error.flagged_input}
    headers = NEVER_RETRY if status == 402 else {}
    if isinstance(error, pipeline.NoProviderAvailable) and error.retry_after_s is not None:
        headers = _retry_after(math.ceil(min(60, max(1, error.retry_after_s))))
    return Failure(status, code, error.message, error.param, metadata, headers)


def _provider_failure(error: providers.ProviderError) -> Failure:
    metadata = {"provider_name": error.provider, "raw": error.raw}
    message = f"{error.provider}: {error.message}"
    match error:
        case providers.ProviderRejected():
            code = "context_length_exceeded" if error.context_length_exceeded else "invalid_request"
            return Failure(400, code, message, metadata=metadata)
        case providers.ProviderRateLimited():
            told_s = error.retry_after_s
            wait_s = math.ceil(
                PROVIDER_RETRY_AFTER_S if told_s is None else min(60, max(1, told_s))
            )
            metadata["limit_source"] = "provider"
            return Failure(
                429, "provider_busy", message, metadata=metadata, headers=_retry_after(wait_s)
            )
        case providers.ProviderTimeout():
            return Failure(504, "provider_timeout", message, metadata=metadata)
    return Failure(502, "provider_error", message, metadata=metadata)


def _limit_failure(error: LimitExceeded) -> Failure:
    is_concurrency = error.source == "concurrency"
    code = "concurrency_limit_exceeded" if is_concurrency else "rate_limit_exceeded"
    wait_s = max(1, math.ceil(error.retry_after_s))
    headers = _retry_after(wait_s) | (NEVER_RETRY if error.is_hopeless else {})
    metadata = {"limit_source": error.source, "limit": error.limit}
    return Failure(429, code, str(error), metadata=metadata, headers=headers)


def _retry_after(wait_s: int) -> dict[str, str]:
    return {"Retry-After": str(wait_s)}


def render_exception(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """DRF's EXCEPTION_HANDLER."""
    response = failure_of(error).response()
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler404."""
    if _is_api(request):
        return failure_of(Http404()).response()
    return defaults.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler400: a wrong Host header, say. Its own one knows neither language nor support."""
    if _is_api(request):
        return failure_of(SuspiciousOperation()).response()
    return render(request, "400.html", status=400)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Django's handler500; Django has logged the exception. The page asks no store for anything."""
    if _is_api(request):
        return _unforeseen().response()
    return render(request, "500.html", status=500)


def _is_api(request: HttpRequest) -> bool:
    return f"/{request.path_info.lstrip('/')}".startswith(("/v1", "/api/"))


def _unforeseen() -> Failure:
    return Failure(500, "internal_error", "XRouter failed. The X-Request-ID header names the case.")
