"""The operators' admin site: it requires a second factor."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from allauth.account.views import logout as account_logout
from django.apps import apps
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from accounts.models import User
from accounts.signin import second_factor


class OperatorSite(AdminSite):
    """Django's admin behind our own login and the second factor."""

    site_header = _("XRouter: operators")
    site_title = _("XRouter: operators")
    index_title = _("Operators' desk")

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and second_factor.is_passed(request)

    def admin_view(  # type: ignore[override]  # the stubs know a type of view of their own
        self, view: Callable[..., Any], cacheable: bool = False
    ) -> Callable[..., Any]:
        """Refuse a zero byte on every page: no text has one, and PostgreSQL knows none."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if any("\0" in text for text in _texts(request)):
                raise SuspiciousOperation("There is a zero byte in the request.")
            return guarded(request, *args, **kwargs)

        return page

    @method_decorator(never_cache)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the login or second-factor page that is still missing; refuse non-operators."""
        target = _target(request, reverse("admin:index", current_app=self.name))
        user = request.user
        if not isinstance(user, User):
            return redirect_to_login(target)
        if self.has_permission(request):
            return HttpResponseRedirect(target)
        if not user.is_staff:
            raise PermissionDenied
        if second_factor.is_set_up(user):
            return redirect(f"{reverse('mfa_reauthenticate')}?{urlencode({'next': target})}")
        messages.warning(request, gettext("Operators need a second factor. Set it up here."))
        return redirect("mfa_activate_totp")

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Title the page by the app's name alone."""
        title = {"title": apps.get_app_config(app_label).verbose_name}
        return super().app_index(request, app_label, title | (extra_context or {}))

    def logout(  # type: ignore[override]  # the stubs know only a page of its own
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Log out as on the site, which also ends the access of applications."""
        response: HttpResponse = account_logout(request)
        return response

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_change_password")


def _texts(request: HttpRequest) -> Iterator[str]:
    """Yield what a request says: its path, and the names and values of its query and its form."""
    yield request.path_info
    for fields in (request.GET, request.POST):
        for name, values in fields.lists():
            yield from (name, *values)


def _target(request: HttpRequest, default: str) -> str:
    asked = request.GET.get("next", "")
    return asked if url_has_allowed_host_and_scheme(asked, allowed_hosts=None) else default
