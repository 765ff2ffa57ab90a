"""The consent page, the page that refuses a wrong request, and the redirect back."""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from oauth2_provider.models import Application

from accounts.models import ApplicationDetails
from accounts.oauth import redirect_uris
from accounts.scopes import SCOPES, Scope


def page(
    request: HttpRequest,
    *,
    redirect_uri: str,
    scopes: Iterable[Scope] = (),
    application: Application | None = None,
) -> HttpResponse:
    """Ask: an application for its scopes, or a site, without an application, for a key of its own."""
    details = ApplicationDetails.objects.filter(application=application).first()
    context = {
        "application": application,
        "homepage": details.homepage if details else "",
        "host": redirect_uris.host_of(redirect_uri),
        "is_loopback": redirect_uris.is_loopback(redirect_uri),
        "scopes": [SCOPES[scope] for scope in scopes],
    }
    template = "oauth/consent.html" if application else "oauth/one_click.html"
    response = render(request, template, context)
    # Browsers hold the answer's redirect, too, against the policy of the page with the form.
    response._csp_update = {"form-action": [redirect_uris.form_action(redirect_uri)]}  # type: ignore[attr-defined]
    return response


def refusal(request: HttpRequest, reason: str) -> HttpResponse:
    """Explain on our own page why there is no redirect."""
    return render(request, "oauth/refusal.html", {"reason": reason}, status=400)


def leave(address: str) -> HttpResponse:
    """Redirect to an address that has been checked."""
    return HttpResponse(status=302, headers={"Location": address})
