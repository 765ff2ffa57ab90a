"""The WSGI application: people's pages through all the middleware, the API through the two it needs."""

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch, resolve, set_urlconf
from django.utils import translation
from django.utils.module_loading import import_string

from accounts.client_address import may_name_scheme
from xrouter_site.request_headers import RequestHeaders

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from gateway.api.event_response import EventStreamResponse

SHORT_PREFIXES = ("/v1/", "/api/v1/", "/health", "/metrics")
API_LANGUAGE = "en"


class Application(WSGIHandler):
    """Django's handler with a short way for API and probes: no session, CSRF, cookie or language.

    Completions go a shorter one yet: their paths are looked up in a table, and Django's signals are not
    sent, whose receivers look for connections and caches to close.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async)
        self._api_chain = _secured(self._get_response)  # type: ignore[attr-defined]
        self._completion_chain = _secured(_call_view)
        self._completions = _completions()
        early_refusals = import_string("xrouter_site.early_refusal.EarlyRefusals")
        self.refusal = early_refusals(self._completions).answer_to
        self.unreadable = import_string("xrouter_site.unreadable_request.answer_to")

    def start_jobs(self) -> None:
        """Start what runs beside the requests in each server process: looks, watches, periodic jobs."""
        import_string("accounts.security.watch.start")()  # the tables are there after setup alone
        import_string("billing.periodic.start")()
        import_string("gateway.api.metrics.gauges.start")()
        import_string("gateway.watch.start")()
        import_string("infra.live_copy.start")()

    def warm_up(self) -> None:
        """Make ready what the first completion would wait for."""
        import_string(
            "gateway.upstreams.make_ready"
        )()  # adapters: their CA lists take long to read
        import_string("gateway.pipeline.warm_up.warm_up")()

    def __call__(  # type: ignore[override]  # the stubs take the response for its iterable
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        peer = environ.get("REMOTE_ADDR", "")
        if "HTTP_X_FORWARDED_PROTO" in environ and not may_name_scheme(peer):
            del environ["HTTP_X_FORWARDED_PROTO"]
        _settle_host(environ)
        match = self._completions.get(environ.get("PATH_INFO", ""))
        if (
            match is not None
            and not environ.get("SCRIPT_NAME")
            and environ["REQUEST_METHOD"] != "HEAD"
        ):
            return self._complete(match, environ, start_response)
        return super().__call__(environ, start_response)

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        response = self._respond(request)
        if request.method == "HEAD":
            _drop_body(response)
        return response

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(SHORT_PREFIXES):
            return super().get_response(request)
        set_urlconf(settings.ROOT_URLCONF)
        translation.activate(API_LANGUAGE)  # the thread has that of the page it showed last
        response = self._api_chain(request)
        response._resource_closers.append(request.close)  # as BaseHandler.get_response does
        return cast("HttpResponseBase", response)

    def _complete(
        self, match: ResolverMatch, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a completion; its view holds nothing that a signal of Django's would have to close."""
        translation.activate(API_LANGUAGE)
        request = WSGIRequest(environ)
        request.resolver_match = match
        request.headers = RequestHeaders(environ)  # type: ignore[assignment]  # it is read alone
        response = self._completion_chain(request)
        database = connections[DEFAULT_DB_ALIAS]
        if database.connection is not None:
            database.close_if_unusable_or_obsolete()
        start_response(
            f"{response.status_code} {response.reason_phrase}",
            list(response.headers._store.values()),  # `items()` looks each of them up again
        )
        if isinstance(response, StreamingHttpResponse):
            return cast("EventStreamResponse", response).events
        return [cast("HttpResponse", response).content]


def _settle_host(environ: "WSGIEnvironment") -> None:
    """Take the host from where HTTP/1.1 has it (RFC 9112, 3.2): a whole URL's counts, and none is a wrong one.

    Django would take the server's own address where there is none.
    """
    if environ.get("RAW_URI", "/")[:1] != "/" and (host := urlsplit(environ["RAW_URI"]).netloc):
        environ["HTTP_HOST"] = host
    elif "HTTP_HOST" not in environ and environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
        environ["HTTP_HOST"] = ""


def _drop_body(response: HttpResponseBase) -> None:
    """Leave the length of the body alone: gunicorn warns of an answer to HEAD that has more."""
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = ()
    elif isinstance(response, HttpResponse) and response.content:
        response.headers.setdefault("Content-Length", str(len(response.content)))
        response.content = b""


def _secured(view: Callable[[HttpRequest], HttpResponseBase]) -> Any:
    """Put around a view what every answer of the API needs."""
    answered: Any = convert_exception_to_response(view)
    secured: Any = SecurityMiddleware(answered) if settings.SECURE_SSL_REDIRECT else answered
    name_requests = import_string("xrouter_site.middleware.RequestIDMiddleware")  # it has models
    return convert_exception_to_response(name_requests(secured))


def _call_view(request: HttpRequest) -> HttpResponseBase:
    match = request.resolver_match
    assert match is not None  # noqa: S101 -- `_complete` has set it
    response: HttpResponseBase = match.func(request)
    return response


def _completions() -> dict[str, ResolverMatch]:
    """Return what the URL table says of the paths of completions, with a slash at the end and without."""
    paths: tuple[str, ...] = import_string(f"{settings.ROOT_URLCONF}.COMPLETION_PATHS")
    return {spelling: resolve(spelling) for path in paths for spelling in (path, f"{path}/")}


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xrouter_site.settings")
django.setup(set_prefix=False)
application = Application()
