"""/cabinet/security/: what was noticed, which keys do not work as they should, and who is logged in where."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

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
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import AccountSuspended
from accounts.security import events
from accounts.security.models import SecurityEvent
from accounts.security.words import consequence, explanation
from accounts.signin import session_list
from accounts.signin.session_list import ListedSession
from accounts.signin.sessions import account_of, user_of
from web.cabinet.list_file import is_file_wanted, list_file
from web.cabinet.login_required import login_required


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event as its owner reads it."""

    event: SecurityEvent
    explanation: str
    consequence: str
    is_open: bool


@never_cache
@login_required
@require_safe
def security_page(request: HttpRequest) -> HttpResponseBase:
    """Show keys that are frozen or slowed, events, and sessions; or send events or sessions as CSV."""
    account = account_of(request)
    if is_file_wanted(request):
        if request.GET.get("list") == "sessions":
            return _sessions_file(session_list.sessions_of(request, user_of(request)))
        return _events_file(map(_line, events.of_account(account.pk)))
    page = events.page_of(account.pk, request.GET.get("page"))
    context = {
        "account": account,
        "held": events.held_keys(account.pk),
        "page": page,
        "lines": [_line(event) for event in page],
        "sessions": session_list.sessions_of(request, user_of(request)),
    }
    return render(request, "cabinet/security.html", context)


@never_cache
@login_required
@require_POST
def confirm_event(request: HttpRequest, event_id: int) -> HttpResponse:
    """Confirm an event: a key that it slowed is fast again."""
    try:
        events.confirm(account_of(request), event_id, by=user_of(request))
    except events.NoSuchEvent:
        raise Http404 from None
    messages.success(request, _("Confirmed. The key, if it was slowed, is fast again."))
    return _back()


@never_cache
@login_required
@require_POST
def confirm_key(request: HttpRequest, digest: str) -> HttpResponse:
    """Make a slowed key fast again: its use was the owner's."""
    try:
        events.confirm_key(account_of(request), digest, by=user_of(request))
    except events.NoSuchEvent:
        raise Http404 from None
    messages.success(request, _("Confirmed. The key, if it was slowed, is fast again."))
    return _back()


@never_cache
@login_required
@require_POST
def thaw_key(request: HttpRequest, digest: str) -> HttpResponse:
    """Let a frozen key work again."""
    try:
        events.thaw(account_of(request), digest, by=user_of(request))
    except events.NoSuchEvent:
        raise Http404 from None
    except AccountSuspended:
        messages.error(request, _("The account is suspended: its keys stay frozen."))
    else:
        messages.success(request, _("The key works again within two seconds."))
    return _back()


@never_cache
@login_required
@require_POST
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """End another session of the person's."""
    if not session_list.end(request, user_of(request), session_id):
        raise Http404
    messages.success(request, _("The session is ended."))
    return _back()


@never_cache
@login_required
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """End all sessions of the person's but this one."""
    session_list.end_others(request, user_of(request))
    messages.success(request, _("All other sessions are ended."))
    return _back()


def _events_file(lines: Iterable[EventLine]) -> StreamingHttpResponse:
    columns: dict[str, Callable[[EventLine], object]] = {
        _("Date"): lambda line: line.event.at,
        _("Event"): lambda line: capfirst(line.event.get_signal_display()),
        _("Key"): lambda line: line.event.api_key,
        _("What was noticed"): lambda line: line.explanation,
        _("State"): lambda line: _("open") if line.is_open else _("confirmed"),
    }
    return list_file("security-events", columns, lines)


def _sessions_file(sessions: list[ListedSession]) -> StreamingHttpResponse:
    columns: dict[str, Callable[[ListedSession], object]] = {
        _("Device"): lambda session: session.device or _("Unknown device"),
        _("Network"): lambda session: session.network,
        _("Since"): lambda session: session.began_at,
        _("Last used"): lambda session: session.seen_at,
        _("State"): lambda session: _("this one") if session.is_current else "",
    }
    return list_file("sessions", columns, sessions)


def _line(event: SecurityEvent) -> EventLine:
    is_open = not hasattr(event, "confirmation")
    return EventLine(event, explanation(event), consequence(event) if is_open else "", is_open)


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("security"))
