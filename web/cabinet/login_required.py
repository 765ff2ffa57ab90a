"""The pages of the cabinet are for people who are logged in; strangers log in first, and come back."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]


def login_required(view: View[Arguments]) -> View[Arguments]:
    """Lead a stranger to the log-in and back to this page; from a sent form, to the page that showed it.

    A session may have ended while the page was open, and a form's own address is often that of no page. The
    log-in says then that the form did nothing.
    """

    @wraps(view)
    def guarded(
        request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if request.method in {"GET", "HEAD"}:
            return redirect_to_login(request.get_full_path())
        query = {"next": _page_of_form(request), "unsent": "yes"}
        return redirect(f"{reverse('account_login')}?{urlencode(query, safe='/')}")

    return guarded


def _page_of_form(request: HttpRequest) -> str:
    """Return the path that the browser names as the page before, if it is one of the cabinet's."""
    before = urlsplit(request.headers.get("Referer", ""))
    is_ours = before.netloc == request.get_host() and before.path.startswith("/cabinet/")
    return (
        before._replace(scheme="", netloc="").geturl() if is_ours else settings.LOGIN_REDIRECT_URL
    )
