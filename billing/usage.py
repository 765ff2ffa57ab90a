"""Usage by day: how generations are counted into it, and how it is read, exact at every moment."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Literal
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Count, F, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Now

from billing.errors import MoneyStoreUnavailable
from billing.id_times import least_id_at, midnight, time_of
from billing.models import Generation, Hold, UsageDay, UsageWatermark
from billing.usage_days import NO_ID

Group = Literal["day", "model", "credential"]

CLOCK_SLACK = timedelta(hours=1)
"""No id is made longer before its hold is committed, the difference of two clocks included."""

_ONLY_ROW = 1
_ROWS_AT_ONCE = 1000
_STATEMENT_TIMEOUT = "5min"

_BUCKET = ("account_id", "day", "credential_kind", "credential_id", "model_id")
_FIGURES = (
    *("requests", "errors", "tokens_prompt", "tokens_completion", "tokens_cached"),
    *("cost_nano", "upstream_cost_nano"),
)
_SUMS = {
    "sum_requests": Count("id"),
    "sum_errors": Count("id", filter=~Q(error_code="")),
    "sum_prompt": Sum("tokens_prompt"),
    "sum_completion": Sum("tokens_completion"),
    "sum_cached": Sum("tokens_cached"),
    "sum_cost": Sum(F("cost_nano") - F("write_off_nano")),
    "sum_upstream_cost": Coalesce(Sum("upstream_cost_nano"), 0),
}


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What was used; what the rows are not grouped by is None. `cost_nano` is what the account paid."""

    day: date | None
    model_id: str | None
    credential: tuple[str, int] | None
    requests: int
    errors: int
    tokens_prompt: int
    tokens_completion: int
    tokens_cached: int
    cost_nano: int
    upstream_cost_nano: int


def rows(
    account_id: int,
    since: date,
    until: date,
    group: Collection[Group] = ("day", "model", "credential"),
) -> list[UsageRow]:
    """Return an account's usage from one of Moscow's days to another, both included, newest first.

    One statement reads days and the generations that are not counted yet, so that a count in between
    changes nothing. Raises MoneyStoreUnavailable.
    """
    mine = {"account_id": account_id, "day__range": (since, until)}
    what = ("day", "model_id", "credential_kind", "credential_id")
    counted = UsageDay.objects.filter(**mine).values_list(*what, *_FIGURES)
    fresh = (
        Generation.objects.filter(id__gte=_counted_until(), **mine)
        .values(*what)
        .annotate(**_SUMS)
        .values_list(*what, *_SUMS)
    )
    totals: dict[tuple[Any, ...], list[int]] = {}
    try:
        for day, model_id, kind, credential_id, *figures in counted.union(fresh, all=True):
            key = (
                day if "day" in group else None,
                model_id if "model" in group else None,
                (kind, credential_id) if "credential" in group else None,
            )
            known = totals.setdefault(key, [0] * len(_FIGURES))
            totals[key] = [a + int(b) for a, b in zip(known, figures, strict=True)]
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
    found = [UsageRow(*key, *figures) for key, figures in totals.items()]
    found.sort(key=lambda row: (row.model_id or "", row.credential or ("", 0)))
    return sorted(found, key=lambda row: row.day or date.min, reverse=True)


def rows_of_all(day: date) -> list[UsageRow]:
    """Return what all accounts used on one of Moscow's days, by model. Raises MoneyStoreUnavailable."""
    counted = UsageDay.objects.filter(day=day).values("model_id")
    fresh = Generation.objects.filter(id__gte=_counted_until(), day=day).values("model_id")
    sums = {f"sum_{name}": Sum(name) for name in _FIGURES}
    both = (
        counted.annotate(**sums)
        .values_list("model_id", *sums)
        .union(fresh.annotate(**_SUMS).values_list("model_id", *_SUMS), all=True)
    )
    totals: dict[str, list[int]] = {}
    try:
        for model_id, *figures in both:
            known = totals.setdefault(model_id, [0] * len(_FIGURES))
            totals[model_id] = [a + int(b) for a, b in zip(known, figures, strict=True)]
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
    return [UsageRow(day, model_id, None, *totals[model_id]) for model_id in sorted(totals)]


def active_accounts(day: date) -> int:
    """Return how many accounts asked for something on one of Moscow's days. Raises MoneyStoreUnavailable."""
    counted = UsageDay.objects.filter(day=day).values("account_id")
    fresh = Generation.objects.filter(id__gte=_counted_until(), day=day).values("account_id")
    try:
        return counted.union(fresh).count()
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error


def aggregate() -> int:
    """Count what was settled since the last time; return how many rows were written.

    A day that got generations is summed again as a whole, so that it is right however often, how late
    and by how many this is done. Each step is one transaction; while another process counts, nothing
    is done. Raises django.db.Error.
    """
    open_watermark()
    written = 0
    while (step := _step()) is not None:
        written += step
    return written


def open_watermark() -> None:
    """See that there is a watermark, before any transaction locks it. Raises django.db.Error."""
    if not UsageWatermark.objects.filter(pk=_ONLY_ROW).exists():
        UsageWatermark.objects.bulk_create([UsageWatermark(pk=_ONLY_ROW)], ignore_conflicts=True)


def lock_watermark() -> tuple[UsageWatermark, datetime] | None:
    """Return the watermark, locked by this transaction, and the database's time.

    None means: another transaction has it, and that is not waited for.
    """
    only = UsageWatermark.objects.filter(pk=_ONLY_ROW)
    watermark = only.select_for_update(skip_locked=True).first()
    if watermark is None:
        return None
    return watermark, only.values_list(Now()).get()[0]


def find_drift() -> list[str]:
    """Say where the days of usage differ from their generations; the first hundred."""
    both = """
        SELECT account_id, day, SUM(counted), SUM(raw), SUM(paid), SUM(raw_paid) FROM (
            SELECT account_id, day, requests AS counted, 0 AS raw, cost_nano AS paid, 0 AS raw_paid
            FROM billing_usageday
            UNION ALL
            SELECT account_id, day, 0, 1, 0, cost_nano - write_off_nano FROM billing_generation
            WHERE id < (SELECT counted_until FROM billing_usagewatermark)
        ) AS both_sides
        WHERE day >= (SELECT kept_day FROM billing_usagewatermark)
        GROUP BY account_id, day
        HAVING SUM(counted) <> SUM(raw) OR SUM(paid) <> SUM(raw_paid) LIMIT 100
    """
    with transaction.atomic(), connection.cursor() as cursor:
        allow_long_statements()
        cursor.execute(both)
        return [
            f"account {account_id} on {day}: {counted} requests for {paid} are counted,"
            f" {raw} for {raw_paid} are right"
            for account_id, day, counted, raw, paid, raw_paid in cursor.fetchall()
        ]


def allow_long_statements() -> None:
    """Lift the limit that serving requests has, for the rest of this transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT}'")


def _step() -> int | None:
    """Count the generations of a day's length at most; None when there is nothing more to do."""
    with transaction.atomic():
        allow_long_statements()
        locked = lock_watermark()
        if locked is None:
            return None
        watermark, now = locked
        until = _settled_until(now)
        new = Generation.objects.filter(id__gte=watermark.counted_until, id__lt=until)
        first = new.order_by("id").values_list("id", flat=True).first()
        written = None
        if first is not None:
            until = min(until, least_id_at(time_of(first) + timedelta(days=1)))
            days = set(new.filter(id__lt=until).values_list("day", flat=True).distinct())
            written = _write_days(days, until)
        if until > watermark.counted_until:
            watermark.counted_until = until
            watermark.save(update_fields=["counted_until"])
        return written


def _settled_until(now: datetime) -> UUID:
    """Return an id below which no generation will come to light any more.

    A generation comes in place of its hold. The holds that are open are seen; those that a transaction
    is writing are too young to matter.
    """
    until = least_id_at(now - CLOCK_SLACK)
    oldest = Hold.objects.order_by("id").values_list("id", flat=True).first()
    return until if oldest is None else min(until, oldest)


def _write_days(days: set[date], until: UUID) -> int:
    """Sum days again, as far as the id `until`."""
    first = least_id_at(midnight(min(days)) - CLOCK_SLACK)
    sums = (
        Generation.objects.filter(day__in=days, id__gte=first, id__lt=until)
        .values(*_BUCKET)
        .annotate(**_SUMS)
        .values_list(*_BUCKET, *_SUMS)
    )
    return sum(_upsert(batch) for batch in _batches(sums))


def _upsert(sums: Collection[tuple[Any, ...]]) -> int:
    names = (*_BUCKET, *_FIGURES)
    UsageDay.objects.bulk_create(
        [UsageDay(**dict(zip(names, row, strict=True))) for row in sums],
        update_conflicts=True,
        update_fields=_FIGURES,
        unique_fields=["account", *_BUCKET[1:]],
    )
    return len(sums)


def _batches(sums: QuerySet[Any, Any]) -> Iterable[list[tuple[Any, ...]]]:
    stream = sums.iterator(chunk_size=_ROWS_AT_ONCE)
    while batch := list(islice(stream, _ROWS_AT_ONCE)):
        yield batch


def _counted_until() -> Coalesce:
    watermark = UsageWatermark.objects.filter(pk=_ONLY_ROW).values("counted_until")
    return Coalesce(Subquery(watermark), Value(NO_ID, output_field=Generation._meta.pk))
