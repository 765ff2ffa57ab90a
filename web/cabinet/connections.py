"""/cabinet/connections/: the applications and sites that a person connected."""

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
from django.views.decorators.http import require_POST, require_safe

from accounts.oauth import revocation
from accounts.oauth.connections import ConnectedApp, connections
from accounts.signin.sessions import user_of
from web.cabinet.list_file import is_file_wanted, list_file, text_of
from web.cabinet.login_required import login_required


@never_cache
@login_required
@require_safe
def connections_page(request: HttpRequest) -> HttpResponseBase:
    """List the connections, or send them as CSV."""
    found = connections(user_of(request))
    if is_file_wanted(request):
        return _file(found)
    context = {"connections": found}
    return render(request, "cabinet/connections.html", context)


@never_cache
@login_required
@require_POST
def disconnect(request: HttpRequest) -> HttpResponse:
    """End a connection: the `application` with this client id, or the `site` with this name.

    The field `keys` also revokes the keys that an application created; a site has only keys.
    """
    user = user_of(request)
    connection = _named(request, connections(user))
    if connection.application is not None:
        revocation.revoke_connection(
            user=user, application=connection.application, with_keys="keys" in request.POST
        )
    else:
        revocation.revoke_site(user=user, made_by=connection.name)
    messages.success(request, _("“%(name)s” is disconnected.") % {"name": connection.name})
    return HttpResponseRedirect(reverse("cabinet-connections"))


def _file(found: list[ConnectedApp]) -> StreamingHttpResponse:
    columns: dict[str, Callable[[ConnectedApp], object]] = {
        _("Name"): lambda connection: connection.name,
        _("State"): lambda connection: text_of(
            "cabinet/_connection_state.html", connection=connection
        ),
        _("Website"): lambda connection: connection.homepage,
        _("Allowed"): lambda connection: ", ".join(map(str, connection.scopes)),
        _("Since"): lambda connection: connection.since,
        _("Last here"): lambda connection: connection.last_used_at,
        _("Network"): lambda connection: connection.last_used_from,
        _("Its keys"): lambda connection: ", ".join(map(str, connection.keys)),
    }
    return list_file("connections", columns, found)


def _named(request: HttpRequest, mine: list[ConnectedApp]) -> ConnectedApp:
    """Return the connection that the form names. Raises Http404."""
    client_id, site = request.POST.get("application", ""), request.POST.get("site", "")
    for connection in mine:
        application = connection.application
        if client_id and application is not None and application.client_id == client_id:
            return connection
        if site and application is None and connection.name == site:
            return connection
    raise Http404
