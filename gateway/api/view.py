"""The base of every view under /v1: who is calling, errors in our shape, CORS, nothing else of DRF's."""

from typing import Any

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.bearer import authenticate
from accounts.client_address import check_address, client_address
from accounts.permissions import require_scope
from accounts.principal import Principal
from billing.limits import Admission
from gateway.api.errors import BadRequest

ALLOWED_METHODS = "GET, POST, PATCH, DELETE, OPTIONS"
EXPOSED_HEADERS = (
    "X-Request-ID, X-Generation-Id, X-XRouter-Adapted, X-XRouter-Attempts, Retry-After,"
    " x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests"
)
PREFLIGHT_MAX_AGE_S = 86_400


class JSONResponse(HttpResponse):
    """A JSON answer; Decimals are printed exactly, as numbers."""

    def __init__(self, document: Any, *, status: int = 200) -> None:
        body = orjson.dumps(document)
        super().__init__(body, status=status, content_type="application/json")
        self.headers["Content-Length"] = str(len(body))


class View(APIView):
    """A view of the API. `scope` is what the credential must bear; None lets anyone in.

    A credential that is given must be valid also where none is needed.
    """

    scope: str | None = None
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    principal: Principal | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Take the place of DRF's negotiation, versioning and throttling, which cost and decide nothing."""
        raw = request._request
        raw.get_host()
        header = raw.META.get("HTTP_AUTHORIZATION")
        if raw.method == "OPTIONS" or (header is None and self.scope is None):
            return
        address = client_address(raw.META.get("REMOTE_ADDR", ""), raw.headers)
        principal = authenticate(header, address)
        check_address(principal, address)
        if self.scope is not None:
            require_scope(principal, self.scope)
        self.principal = principal

    @property
    def caller(self) -> Principal:
        """The principal of a view that demands one."""
        if self.principal is None:
            raise AssertionError("A view without a scope asked who is calling.")
        return self.principal

    def finalize_response(  # type: ignore[override]  # DRF's Response would be rendered: ours is
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        _allow_origin(request, response)
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
        response: HttpResponse = self.get_exception_handler()(
            exc, self.get_exception_handler_context()
        )
        return response


class NotFoundView(View):
    """Any path under /v1 that is none of ours."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


def _allow_origin(request: HttpRequest | Request, response: HttpResponseBase) -> None:
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
    response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS


def describe_limits(response: HttpResponseBase, admission: Admission) -> None:
    """Say in OpenAI's headers how the account's tightest limit stands."""
    response.headers["x-ratelimit-limit-requests"] = str(admission.limit)
    response.headers["x-ratelimit-remaining-requests"] = str(admission.remaining)
    response.headers["x-ratelimit-reset-requests"] = f"{admission.reset_s:g}s"


def query(request: Request, name: str) -> str:
    """Return a query parameter that must be there. Raises BadRequest."""
    value = request.GET.get(name, "")
    if not value:
        raise BadRequest(f"The query needs {name}.", code="invalid_parameter", param=name)
    return value
