"""/cabinet/apps/: a person's OAuth applications."""

from collections.abc import Callable

from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from oauth2_provider.models import Application

from accounts.oauth import applications
from accounts.signin.form_limits import limit_form
from accounts.signin.sessions import user_of
from web.cabinet import form_tokens
from web.cabinet.application_form import ApplicationForm, NewApplicationForm
from web.cabinet.list_file import is_file_wanted, list_file, text_of
from web.cabinet.login_required import login_required

INVALID = 422
NEW_APP, NEW_SECRET = "new-app", "new-secret"
"""Forms that are taken once: sent again by a reload or a double click, they change nothing."""


@never_cache
@login_required
@require_safe
def apps(request: HttpRequest) -> HttpResponseBase:
    """List the applications, or send them as CSV."""
    found = applications.of_developer(user_of(request))
    if is_file_wanted(request):
        return _file(found)
    return render(request, "cabinet/apps.html", {"applications": found})


@never_cache
@login_required
@limit_form("apps", "100/h")
@require_http_methods(["GET", "HEAD", "POST"])
def new_app(request: HttpRequest) -> HttpResponse:
    """Show the form of a new application; a POST creates it and shows its secret once."""
    form = NewApplicationForm(request.POST or None, initial={"kind": Application.CLIENT_PUBLIC})
    if request.method != "POST" or not form.is_valid():
        status = INVALID if request.method == "POST" else None
        context = {"form": form, "form_token": _token(request, NEW_APP)}
        return render(request, "cabinet/app_new.html", context, status=status)
    if _is_sent_again(request, NEW_APP):
        messages.warning(
            request,
            _(
                "This form was sent before, and its application is registered. A secret is shown once: if"
                " you did not copy it, take a new one on the application's page."
            ),
        )
        return HttpResponseRedirect(reverse("cabinet-apps"))
    entered = form.cleaned_data
    application, secret = applications.register(
        user=user_of(request),
        name=entered["name"],
        homepage=entered["homepage"],
        addresses=entered["addresses"],
        is_confidential=entered["kind"] == Application.CLIENT_CONFIDENTIAL,
    )
    if secret:
        return _shown_once(request, application, secret)
    messages.success(request, _("The application is registered."))
    return HttpResponseRedirect(_address(application))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def app(request: HttpRequest, client_id: str) -> HttpResponse:
    """Show one application; a POST changes it."""
    application = _own(request, client_id)
    form = ApplicationForm(request.POST or None, application=application)
    if request.method == "POST" and form.is_valid():
        applications.edit(application=application, **form.cleaned_data)
        messages.success(request, _("The application is changed."))
        return HttpResponseRedirect(_address(application))
    context = {
        "application": application,
        "is_confidential": application.client_type == Application.CLIENT_CONFIDENTIAL,
        "form": form,
        "form_token": _token(request, NEW_SECRET),
    }
    status = INVALID if request.method == "POST" else None
    return render(request, "cabinet/app.html", context, status=status)


@never_cache
@login_required
@limit_form("apps", "100/h")
@require_POST
def rotate_secret(request: HttpRequest, client_id: str) -> HttpResponse:
    """Give the application a new secret, which is shown once."""
    application = _own(request, client_id)
    if _is_sent_again(request, NEW_SECRET):
        messages.warning(
            request,
            _(
                "This form was sent before, and the secret is replaced already. It is shown once: if you"
                " did not copy it, take another one."
            ),
        )
        return HttpResponseRedirect(_address(application))
    try:
        secret = applications.rotate_secret(application=application)
    except applications.NoSecret:
        messages.error(request, _("A public application has no secret."))
        return HttpResponseRedirect(_address(application))
    return _shown_once(request, application, secret)


@never_cache
@login_required
@require_POST
def delete_app(request: HttpRequest, client_id: str) -> HttpResponse:
    """Delete the application and revoke its access."""
    application = _own(request, client_id)
    name = application.name
    applications.delete(application=application)
    messages.success(request, _("The application “%(name)s” is deleted.") % {"name": name})
    return HttpResponseRedirect(reverse("cabinet-apps"))


def _file(found: list[Application]) -> StreamingHttpResponse:
    columns: dict[str, Callable[[Application], object]] = {
        _("Name"): lambda application: application.name,
        _("Kind"): lambda application: text_of("cabinet/_app_kind.html", application=application),
        _("People"): lambda application: application.people,
        _("Client ID"): lambda application: application.client_id,
        _("Created"): lambda application: application.created,
        _("Website"): lambda application: application.details.homepage,
        _("Redirect addresses"): lambda application: application.redirect_uris,
    }
    return list_file("applications", columns, found)


def _own(request: HttpRequest, client_id: str) -> Application:
    application = applications.find_own(user_of(request), client_id)
    if application is None:
        raise Http404
    return application


def _token(request: HttpRequest, form: str) -> str:
    return form_tokens.new_token(form, user_of(request).pk)


def _is_sent_again(request: HttpRequest, form: str) -> bool:
    token = request.POST.get("form_token", "")
    return form_tokens.use(token, form, user_of(request).pk) == "used"


def _shown_once(request: HttpRequest, application: Application, secret: str) -> HttpResponse:
    context = {"application": application, "secret": secret}
    return render(request, "cabinet/app_secret.html", context)


def _address(application: Application) -> str:
    return reverse("cabinet-app", args=[application.client_id])
