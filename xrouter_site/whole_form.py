"""Receive the form of a page whole, before a session, and with it a database connection, is asked for."""

import io
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from accounts.oauth.parameters import UNREAD_FORM, BadParameters
from gateway.api.body import MOST_BYTES_OF_STRANGERS
from gateway.api.errors import BadRequest, failure_of, language_of
from gateway.api.request_body import pieces

OAUTH_CALLS = ("/oauth/token", "/oauth/revoke", "/oauth/introspect")
"""Asked by programs, which read an error as RFC 6749 has it."""

TEXT = "text/plain; charset=utf-8"
WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")


class WholeFormMiddleware:
    """Receive within the bounds of any body what is no JSON; that is its view's to read, as in the API."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        environ = request.META
        if request.method not in WITHOUT_BODY and request.content_type != "application/json":
            try:
                form = b"".join(pieces(environ, most_bytes=MOST_BYTES_OF_STRANGERS))
            except BadRequest as refusal:
                if not request.path_info.startswith(OAUTH_CALLS):
                    failure = failure_of(refusal, language=language_of(request.headers))
                    return HttpResponse(failure.message, TEXT, failure.status)
                form = b""
                # A form that is too large is 400 there, as are those within this bound and above OAuth's.
                status = 400 if refusal.status == 413 else refusal.status
                environ[UNREAD_FORM] = BadParameters(refusal.message, status)
            # Where Django looks for a body that has been read, and where it does for its length; by
            # itself it takes a chunked one for empty.
            request._body = form
            environ |= {"wsgi.input": io.BytesIO(form), "CONTENT_LENGTH": str(len(form))}
        return self.get_response(request)
