"""Security events: recorded once, answered, told to their owner, and confirmed by them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

from django.core.paginator import Page, Paginator
from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts.keys import freezing, lookup
from accounts.models import Account, APIKey, User
from accounts.security import mails
from accounts.security.models import EventConfirmation, SecurityEvent, Signal
from accounts.security.tallies import Evidence
from infra.moscow_time import moscow_day

SLOWED_TO = 60
"""Requests a minute of a key until its owner confirms."""
SLOWING = (Signal.MANY_NETWORKS, Signal.UNUSUAL_SPENDING)
QUIET = timedelta(hours=1)
"""The same is not raised again so soon, nor so soon after it was confirmed."""
QUIET_OF_NETWORKS = timedelta(minutes=10)
EVENTS_ON_A_PAGE = 20
_LOCK = 0x7369676E  # any number that no other lock of this database has


class NoSuchEvent(Exception):
    """The account has no such event."""


def raise_event(
    signal: Signal,
    *,
    evidence: Evidence,
    account_id: int | None = None,
    key_id: int | None = None,
    network: str = "",
) -> SecurityEvent | None:
    """Record an event, slow the key where that is the answer, and mail the owner; None where it is known.

    The account of a key is found. Raises django.db.Error.
    """
    if key_id is not None:
        account_id = APIKey.objects.values_list("account_id", flat=True).filter(pk=key_id).first()
        if account_id is None:
            return None
    with transaction.atomic():
        lock()
        event = SecurityEvent(
            signal=signal,
            account_id=account_id,
            api_key_id=key_id,
            network=network,
            evidence=evidence,
        )
        if not _is_news(event):
            return None
        record(event)
        if signal in SLOWING and key_id is not None:
            freezing.slow([key_id], SLOWED_TO)
    return event


def record(event: SecurityEvent) -> None:
    """Save a new event in its transaction, and mail the account's owner once that is committed."""
    event.save(force_insert=True)
    if event.account_id is not None:
        transaction.on_commit(lambda: mails.tell(event.pk))


def counts() -> dict[str, int]:
    """Return how many events of each signal there were. Raises django.db.Error."""
    rows = SecurityEvent.objects.values_list("signal").annotate(number=Count("pk")).order_by()
    return dict(rows)


def confirm(account: Account, event_id: int, *, by: User) -> None:
    """Close an event of the account, as `close` does. Raises NoSuchEvent."""
    event = SecurityEvent.objects.filter(pk=event_id, account=account).first()
    if event is None:
        raise NoSuchEvent
    close(event, by=by)


def close(event: SecurityEvent, *, by: User) -> None:
    """Confirm the event and all open ones of its signal and subject; a slowed key is fast again."""
    with transaction.atomic():
        lock()
        for each in _like(event).filter(confirmation=None):
            EventConfirmation.objects.create(event=each, by=by)
        key_id = event.api_key_id
        if key_id is not None and event.signal in SLOWING:
            still = open_events().filter(api_key_id=key_id, signal__in=SLOWING)
            if not still.exists():
                freezing.unslow(key_id)


def confirm_key(account: Account, digest: str, *, by: User) -> None:
    """Make a slowed key fast again, and confirm why it was slowed. Raises NoSuchEvent where there is none."""
    _release(account, digest, SLOWING, freezing.unslow, by=by)


def thaw(account: Account, digest: str, *, by: User) -> None:
    """Let a frozen key work again. Raises NoSuchEvent where there is none, and AccountSuspended."""
    _release(account, digest, (Signal.LEAKED_KEY,), freezing.thaw, by=by)


def open_events() -> "QuerySet[SecurityEvent]":
    """Return the events that nobody has confirmed."""
    return SecurityEvent.objects.filter(confirmation=None)


def page_of(account_id: int, number: str | None) -> "Page[SecurityEvent]":
    """Return a page of the account's events, newest first, each with its key and confirmation."""
    return Paginator(of_account(account_id), EVENTS_ON_A_PAGE).get_page(number)


def latest(account_id: int, most: int) -> list[SecurityEvent]:
    """Return the account's newest events, each with its key and who confirmed it."""
    return list(of_account(account_id).select_related("account", "confirmation__by")[:most])


@dataclass(frozen=True, slots=True)
class HeldKeys:
    """The keys of an account that do not work as they should."""

    frozen: list[APIKey]
    slowed: list[APIKey]


def held_keys(account_id: int) -> HeldKeys:
    """Return the account's live keys that are frozen, and those that are slowed."""
    live = APIKey.objects.filter(account=account_id, revoked_at=None).order_by("-pk")
    return HeldKeys(
        frozen=list(live.filter(frozen_at__isnull=False)),
        slowed=list(live.filter(slowed_requests_per_minute__isnull=False)),
    )


def _release(
    account: Account,
    digest: str,
    signals: Collection[Signal],
    release: Callable[[int], bool],
    *,
    by: User,
) -> None:
    key = lookup.find(account.pk, digest)
    if key is None:
        raise NoSuchEvent
    with transaction.atomic():
        lock()
        release(key.pk)
        for event in open_events().filter(api_key=key, signal__in=signals):
            EventConfirmation.objects.create(event=event, by=by)


def of_account(account_id: int) -> "QuerySet[SecurityEvent]":
    """Return the account's events, newest first, each with its key and confirmation."""
    events = SecurityEvent.objects.filter(account=account_id)
    return events.select_related("api_key", "confirmation").order_by("-pk")


def _like(event: SecurityEvent) -> "QuerySet[SecurityEvent]":
    """Return the events of the same signal and subject."""
    return SecurityEvent.objects.filter(
        signal=event.signal,
        account=event.account,
        api_key=event.api_key,
        network=event.network,
    )


def _is_news(event: SecurityEvent) -> bool:
    signal = Signal(event.signal)
    last = _like(event).select_related("confirmation").order_by("-pk").first()
    if last is None:
        return True
    now = timezone.now()
    confirmed_at = last.confirmation.at if hasattr(last, "confirmation") else None
    if signal in SLOWING and confirmed_at is None:
        return False
    if (
        signal == Signal.UNUSUAL_SPENDING
        and moscow_day(last.at) == moscow_day(now)
        and event.evidence["spent_nano"] < 2 * last.evidence["spent_nano"]
    ):  # what was confirmed as usual today has to double before it is unusual again
        return False
    quiet = QUIET_OF_NETWORKS if signal == Signal.REFUSED_CREDENTIALS else QUIET
    return now - (confirmed_at or last.at) >= quiet


def lock() -> None:
    """Let one process at a time record and confirm. SQLite needs no lock: it has one writer."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
