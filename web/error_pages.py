"""Django's handlers of 400, 404 and 500: a page for people; on a path of the API its own JSON."""

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views import defaults

from gateway.api.errors import INTERNAL_ERROR, failure_of, language_of
from gateway.api.view import dialect_at, failure_response


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
    """Answer for an exception that Django has logged. The page asks no store for anything."""
    if dialect := dialect_at(request.path_info):
        return failure_response(INTERNAL_ERROR, dialect)
    return render(request, "500.html", status=500)
