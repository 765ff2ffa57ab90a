"""The base of every view of the API: who is calling, errors in the path's dialect, CORS."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.keys.credentials import credentials
from accounts.principal import Principal
from billing.limits.request_limits import Admission
from gateway.api.auth import identify
from gateway.api.dialects.base import Dialect
from gateway.api.dialects.openai_chat import OPENAI_CHAT
from gateway.api.errors import BadRequest, Failure, failure_of, language_of, rate_headers
from gateway.api.json_response import JSONResponse
from infra import request_facts

API_PATHS = ("/v1", "/api/")
ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
EXPOSED_HEADERS = (
    "X-Request-ID, X-Generation-Id, X-XRouter-Adapted, X-XRouter-Attempts, Retry-After,"
    " Deprecation, Sunset, x-should-retry, WWW-Authenticate,"
    " x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests"
)
PREFLIGHT_MAX_AGE_S = 86_400
MOST_GOOD_HOSTS = 64
_NO_NEGOTIATION = BaseContentNegotiation()


class View(APIView):
    """A view of the API. `scope` is what the credential must bear; None lets anyone in.

    The URL table gives each path its `dialect` by `as_view(dialect=…)`, and where callers of several
    protocols come to one path, the `dialects` of those who send a certain header. `route` is the path's
    name in metrics.
    """

    scope: str | None = None
    dialect: Dialect = OPENAI_CHAT
    dialects: Mapping[str, Dialect] = {}
    route = ""
    principal: Principal | None = None
    credentials_version = 0
    """What this process knew of changed credentials before it asked who is calling."""

    default_response_headers: Mapping[str, str] = {}  # type: ignore[assignment]  # none of DRF's

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Wrap the request, without parsers, authenticators and content negotiation: `initial` needs none."""
        wrapped = Request(request, negotiator=_NO_NEGOTIATION)
        del wrapped.parser_context[
            "request"
        ]  # itself: the request would wait for the garbage collector
        return wrapped

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find out who is calling, in place of DRF's negotiation, versioning and throttling."""
        raw = request._request
        facts = request_facts.current()
        facts.route = self.route
        for header, dialect in self.dialects.items():
            if header in raw.headers:
                self.dialect = dialect
        _check_host(raw)
        if raw.method != "OPTIONS":
            self.credentials_version = credentials.version
            self.principal = identify(raw, self.dialect.credential(raw.headers), self.scope)
            if self.principal is not None:
                facts.account = self.principal.account_id
                facts.caller = self.principal

    @property
    def caller(self) -> Principal:
        """The principal of a view that demands one."""
        if self.principal is None:
            raise AssertionError("A view without a scope asked who is calling.")
        return self.principal

    def finalize_response(  # type: ignore[override]  # DRF's Response would be rendered: ours is
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        own_headers = self.dialect.headers()
        for name, value in own_headers.items():
            response.headers[name] = value
        _allow_origin(request, response, exposed=own_headers)
        return response

    def options(  # type: ignore[override]  # as above
        self, request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Answer a browser's preflight; it bears no credential."""
        response = HttpResponse(status=204)
        response.headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
        response.headers["Access-Control-Allow-Headers"] = (
            request.headers.get("Access-Control-Request-Headers", "")[:2048]
            or "Authorization, Content-Type"
        )
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_MAX_AGE_S)
        return response

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # as above
        failure = failure_of(exc, language=language_of(self.request.headers))
        response = failure_response(failure, self.dialect)
        if isinstance(exc, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(self.allowed_methods)
        return response


def _check_host(request: HttpRequest) -> None:
    """Raise DisallowedHost for a host that is not ours. One that was found to be is remembered."""
    allowed = settings.ALLOWED_HOSTS
    if _good_hosts.get(request.META.get("HTTP_HOST")) is allowed:
        return
    request.get_host()
    if len(_good_hosts) < MOST_GOOD_HOSTS:
        _good_hosts[request.META.get("HTTP_HOST")] = allowed


_good_hosts: dict[str | None, list[str]] = {}
"""The hosts of requests that passed, each with the list of the settings that it passed."""


def failure_response(failure: Failure, dialect: Dialect = OPENAI_CHAT) -> JSONResponse:
    """Return the answer to a request that failed."""
    headers = {**dialect.headers(), **failure.headers}
    return JSONResponse(dialect.error(failure), status=failure.status, headers=headers)


def dialect_at(path: str) -> Dialect | None:
    """Return what the API speaks at a path, for a failure outside its view; None for a path of pages."""
    if not f"/{path.lstrip('/')}".startswith(API_PATHS):
        return None
    try:
        route = resolve(path).func
    except Resolver404:
        return OPENAI_CHAT
    options: dict[str, Any] = getattr(route, "initkwargs", {})
    dialect: Dialect = options.get("dialect", OPENAI_CHAT)
    return dialect


def describe_limits(response: HttpResponseBase, admission: Admission) -> None:
    """Say in OpenAI's headers how the account's tightest limit stands."""
    for name, value in rate_headers(
        admission.limit, admission.remaining, admission.reset_s
    ).items():
        response.headers[name] = value


def query(request: Request, name: str) -> str:
    """Return a query parameter that must be there. Raises BadRequest."""
    value = request.GET.get(name, "")
    if not value:
        raise BadRequest(f"The query needs {name}.", code="invalid_parameter", param=name)
    return value


def _allow_origin(request: Request, response: HttpResponseBase, *, exposed: Iterable[str]) -> None:
    """Let pages of the allowed origins read the answer, its own headers and those `exposed`."""
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None:
        return
    allowed = settings.CORS_ALLOWED_ORIGINS
    if "*" in allowed:
        response.headers["Access-Control-Allow-Origin"] = "*"
    elif origin in allowed:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin"
    else:
        return
    response.headers["Access-Control-Expose-Headers"] = ", ".join((EXPOSED_HEADERS, *exposed))
