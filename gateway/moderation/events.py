"""Moderation events: written behind the request, in batches; counted and deleted here."""

import atexit
from collections.abc import Sequence
from datetime import timedelta

from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.principal import Principal
from gateway.models import ModerationEvent
from gateway.moderation.search import Broken
from infra import metrics
from infra.group_commit import GroupCommit
from infra.request_id import request_id

EVENT_RETENTION_DAYS = 30
EXIT_PATIENCE_S = 2.0


def record(broken: Sequence[Broken], principal: Principal) -> None:
    """Have an event written for each broken rule. Nothing is waited for, but within a transaction."""
    events = [
        ModerationEvent(
            account_id=principal.account_id,
            credential_kind=principal.credential_kind,
            credential_id=principal.credential_id,
            category=each.rule.category,
            rule=each.rule.name,
            action=each.rule.action,
            excerpt=each.excerpt,
            request_id=request_id.get(),
        )
        for each in broken
    ]
    for event in events:
        metrics.MODERATION_EVENTS.labels(event.category).inc()
    if connection.in_atomic_block:
        _write(events)
        return
    for event in events:
        _events.post(event)


def flush(timeout_s: float = EXIT_PATIENCE_S) -> bool:
    """Wait until the events are written; say whether it was in time."""
    return _events.flush(timeout_s)


def found_since_yesterday() -> Coalesce:
    """Return an expression for a query of rules: how many events each had within the last 24 hours."""
    recent = ModerationEvent.objects.filter(
        rule=OuterRef("name"), created_at__gte=timezone.now() - timedelta(days=1)
    )
    count = recent.order_by().values("rule").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(count), 0)


def of_account(account_id: int) -> list[ModerationEvent]:
    """Return what was found in the texts of an account. Raises django.db.Error."""
    return list(ModerationEvent.objects.filter(account=account_id).order_by("pk"))


def erase(account_id: int) -> None:
    """Delete what was found in the texts of an account. Raises django.db.Error."""
    ModerationEvent.objects.filter(account=account_id).delete()


def delete_old() -> int:
    """Delete the events older than EVENT_RETENTION_DAYS; return how many."""
    oldest = timezone.now() - timedelta(days=EVENT_RETENTION_DAYS)
    return ModerationEvent.objects.filter(created_at__lt=oldest).delete()[0]


def _write(events: Sequence[ModerationEvent]) -> Sequence[None]:
    ModerationEvent.objects.bulk_create(events)
    return [None] * len(events)


def _rest() -> None:
    """Close the writing thread's own connection, whatever state it is in."""
    try:
        connection.close()
    except DatabaseError:
        connection.connection = None


_events: GroupCommit[ModerationEvent, None] = GroupCommit(
    _write, name="moderation events", rest=_rest
)
atexit.register(flush)
