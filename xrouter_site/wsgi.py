"""The WSGI application: people's pages through all the middleware, the API through the two it needs."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import django
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.urls import set_urlconf

from accounts.client_address import is_trusted_proxy
from xrouter_site.middleware import RequestIDMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

API_PREFIXES = ("/v1/", "/api/v1/")


class Application(WSGIHandler):
    """Django's handler with a short way for the API: no sessions, no CSRF, no cookies, no language."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async)
        view = convert_exception_to_response(self._get_response)
        secured = SecurityMiddleware(view) if settings.SECURE_SSL_REDIRECT else view
        self._api_chain = convert_exception_to_response(RequestIDMiddleware(secured))

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if "HTTP_X_FORWARDED_PROTO" in environ and not is_trusted_proxy(
            environ.get("REMOTE_ADDR", "")
        ):
            del environ["HTTP_X_FORWARDED_PROTO"]
        return super().__call__(environ, start_response)

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(API_PREFIXES):
            return super().get_response(request)
        set_urlconf(settings.ROOT_URLCONF)
        response: HttpResponseBase = self._api_chain(request)
        response._resource_closers.append(request.close)  # as BaseHandler.get_response does
        return response


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xrouter_site.settings")
django.setup(set_prefix=False)
application = Application()
