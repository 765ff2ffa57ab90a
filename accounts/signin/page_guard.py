"""A wrapper of every sign-in page: bounded fields, proper statuses, no caching."""

import functools

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers

from accounts.signin.adapter import LIMIT_WINDOW_S
from accounts.signin.form_limits import Arguments, View

FIELD_MAX_CHARS = 8192


def guarded(view: View[Arguments]) -> View[Arguments]:
    """Answer 400 to oversized fields and 422 to refused forms; add Retry-After to a 429."""

    @functools.wraps(view)
    def page(
        request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponseBase:
        if request.method == "POST" and _has_too_long_field(request):
            raise BadRequest("A field is too long.")
        response = view(request, *args, **kwargs)
        if response.status_code == 429:
            response.headers.setdefault("Retry-After", str(LIMIT_WINDOW_S))
        elif request.method == "POST" and response.status_code == 200:
            response.status_code = 422  # what was accepted leads elsewhere
        add_never_cache_headers(response)
        return response

    return page


def _has_too_long_field(request: HttpRequest) -> bool:
    return any(
        len(value) > FIELD_MAX_CHARS for _name, values in request.POST.lists() for value in values
    )
