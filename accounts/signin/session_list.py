"""The sessions of a person: on which device, from where, and when last; any other can be ended."""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from accounts.models import User
from accounts.networks import sender_of

NOTED_EVERY_S = 60
KEPT_MOST = 50
"""Sessions that a person may have at once: whoever logs in again and again ends their oldest."""

UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104 -- nothing binds to it

_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X|Macintosh", "macOS"),
    ("Linux|X11", "Linux"),
)
_BROWSERS = (
    ("YaBrowser", "Yandex Browser"),
    ("Edg(?:e|A|iOS)?/", "Edge"),
    ("OPR/|Opera", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/|FxiOS", "Firefox"),
    ("Chrome/|CriOS|Chromium/", "Chrome"),
    ("Safari/", "Safari"),
)


@dataclass(frozen=True, slots=True)
class ListedSession:
    """One session. `device` is empty where the browser says nothing known; `network` where it is unknown."""

    id: int
    device: str
    network: str
    began_at: datetime
    seen_at: datetime
    is_current: bool


def sessions_of(request: HttpRequest, user: User) -> list[ListedSession]:
    """Return the person's live sessions, the one that asks first, then by their last use."""
    current = request.session.session_key
    found = [
        ListedSession(
            id=session.pk,
            device=device_of(session.user_agent),
            network=_network(session.ip),
            began_at=session.created_at,
            seen_at=session.last_seen_at,
            is_current=session.session_key == current,
        )
        for session in _live(user)
    ]
    return sorted(found, key=lambda each: (each.is_current, each.seen_at), reverse=True)


def end(request: HttpRequest, user: User, session_id: int) -> bool:
    """End another session of the person's; say whether there was one."""
    others = _others(request, user).filter(pk=session_id)
    return _end(others) > 0


def end_others(request: HttpRequest, user: User) -> int:
    """End all other sessions of the person's, and return how many there were."""
    return _end(_others(request, user))


def make_room(user: User) -> None:
    """End the person's oldest sessions, so that one more makes KEPT_MOST at most."""
    newest_first = UserSession.objects.filter(user=user).order_by("-last_seen_at", "-pk")
    _end(newest_first[KEPT_MOST - 1 :])


def device_of(user_agent: str) -> str:
    """Return a browser and its system as people know them, such as `Firefox, Windows`. Pure."""
    known = (
        next((name for pattern, name in table if re.search(pattern, user_agent)), "")
        for table in (_BROWSERS, _SYSTEMS)
    )
    return ", ".join(filter(None, known))


class LastSeenMiddleware:
    """Note when and from where a session is used, once a minute at most."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = request.session.session_key
        if key and request.user.is_authenticated:
            name = hashlib.sha256(key.encode()).hexdigest()
            if cache.add(f"session-seen:{name}", True, NOTED_EVERY_S):
                UserSession.objects.create_from_request(request)
        return self.get_response(request)


def _live(user: User) -> list[UserSession]:
    """Return the person's sessions that let them in, and forget the others; allauth asks thrice for each."""
    listed = list(UserSession.objects.filter(user=user))
    stored = Session.objects.filter(
        session_key__in=[session.session_key for session in listed], expire_date__gt=timezone.now()
    )
    hashes = {user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()}
    keys = {row.session_key for row in stored if _is_of(user, hashes, row.get_decoded())}
    live = [session for session in listed if session.session_key in keys]
    if dead := {session.pk for session in listed} - {session.pk for session in live}:
        UserSession.objects.filter(pk__in=dead).delete()
    return live


def _is_of(user: User, hashes: Collection[str], data: Mapping[str, Any]) -> bool:
    return data.get(SESSION_KEY) == str(user.pk) and data.get(HASH_SESSION_KEY) in hashes


def _others(request: HttpRequest, user: User) -> QuerySet[UserSession]:
    mine: QuerySet[UserSession] = UserSession.objects.filter(user=user)
    return mine.exclude(session_key=request.session.session_key)


def _end(sessions: QuerySet[UserSession]) -> int:
    found = list(sessions)
    for session in found:
        session.end()
    return len(found)


def _network(address: str) -> str:
    return "" if address == UNKNOWN_ADDRESS else sender_of(ip_address(address))
