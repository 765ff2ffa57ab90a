"""The WSGI application: people's pages through all the middleware, the API through the two it needs."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import django
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.urls import set_urlconf
from django.utils import translation
from django.utils.module_loading import import_string

from accounts.client_address import is_trusted_proxy
from xrouter_site.middleware import RequestIDMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

API_PREFIXES = ("/v1/", "/api/v1/")
API_LANGUAGE = "en"


class Application(WSGIHandler):
    """Django's handler with a short way for the API: no sessions, no CSRF, no cookies, no language."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async)
        view: Any = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        secured: Any = SecurityMiddleware(view) if settings.SECURE_SSL_REDIRECT else view
        self._api_chain: Any = convert_exception_to_response(RequestIDMiddleware(secured))

    def start_jobs(self) -> None:
        """Run the periodic jobs beside the requests, where no broker does."""
        import_string("billing.periodic.start")()  # its tables are there after setup alone

    def __call__(  # type: ignore[override]  # the stubs take the response for its iterable
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        peer = environ.get("REMOTE_ADDR", "")
        if "HTTP_X_FORWARDED_PROTO" in environ and not is_trusted_proxy(peer):
            del environ["HTTP_X_FORWARDED_PROTO"]
        return super().__call__(environ, start_response)

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(API_PREFIXES):
            return super().get_response(request)
        set_urlconf(settings.ROOT_URLCONF)
        translation.activate(API_LANGUAGE)  # the thread has that of the page it showed last
        response = self._api_chain(request)
        response._resource_closers.append(request.close)  # as BaseHandler.get_response does
        return cast("HttpResponseBase", response)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xrouter_site.settings")
django.setup(set_prefix=False)
application = Application()
