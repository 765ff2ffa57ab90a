"""Django's handlers of 400, 404 and 500: a page for people; on a path of the API its own JSON."""

import sys

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views import defaults

from gateway.api.errors import INTERNAL_ERROR, STORE_AWAY, failure_of, language_of
from gateway.api.view import dialect_at, failure_response
from infra import outages


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer, say, a wrong Host header; Django's own page knows neither language nor support."""
    if dialect := dialect_at(request.path_info):
        return failure_response(
            failure_of(SuspiciousOperation(), language=language_of(request.headers)), dialect
        )
    return render(request, "400.html", status=400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if dialect := dialect_at(request.path_info):
        return failure_response(
            failure_of(Http404(), language=language_of(request.headers)), dialect
        )
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer for an exception, which Django logs then; that of an outage is told once. No store is asked."""
    error = sys.exc_info()[1]
    outage = error if error is not None and outages.is_outage(error) else None
    if dialect := dialect_at(request.path_info):
        response: HttpResponseBase = failure_response(
            STORE_AWAY if outage else INTERNAL_ERROR, dialect
        )
    else:
        status = 503 if outage else 500
        response = render(request, f"{status}.html", status=status)
    if outage:
        outages.database.note(outage)
        response.headers["Retry-After"] = STORE_AWAY.headers["Retry-After"]
        response._has_been_logged = True  # type: ignore[attr-defined]  # where Django looks
    return response
