"""What holds for every page of sign-in: bounds of its fields, its statuses, no copies on the way."""

import functools

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers

from accounts.adapter import LIMIT_WINDOW_S
from accounts.form_limits import Arguments, View

FIELD_MAX_CHARS = 8192


def guarded(view: View[Arguments]) -> View[Arguments]:
    """Answer 400 to a field of unheard-of length, 422 to a refused form; name the wait beside a 429."""

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
