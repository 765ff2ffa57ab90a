"""Aggregates settled generations into usage by day."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Now

from billing.models import Generation, Hold, UsageDay, UsageWatermark
from billing.models.usage import NO_ID
from billing.usage.generation_ids import least_id_at, time_of
from infra.moscow_time import midnight
from infra.own_connection import allow_long_statements

CLOCK_SLACK = timedelta(hours=1)
"""No id is created longer than this before its hold is committed, clock differences included."""

_ONLY_ROW = 1
_ROWS_AT_ONCE = 1000
_STATEMENT_MINUTES = 5

_BUCKET = ("account_id", "day", "credential_kind", "credential_id", "model_id")
FIGURES = (
    *("requests", "errors", "tokens_prompt", "tokens_completion", "tokens_cached"),
    *("cost_nano", "upstream_cost_nano"),
)
SUMS = {
    "sum_requests": Count("id"),
    "sum_errors": Count("id", filter=~Q(error_code="")),
    "sum_prompt": Sum("tokens_prompt"),
    "sum_completion": Sum("tokens_completion"),
    "sum_cached": Sum("tokens_cached"),
    "sum_cost": Sum(F("cost_nano") - F("write_off_nano")),
    "sum_upstream_cost": Coalesce(Sum("upstream_cost_nano"), 0),
}


def aggregate() -> int:
    """Aggregate what was settled since the last time; return how many rows were written.

    A day with new generations is summed again as a whole, so that the result is right however often,
    late or concurrently this runs. Each step is one transaction; while another process aggregates,
    nothing is done. Raises django.db.Error.
    """
    open_watermark()
    written = 0
    while (step := _step()) is not None:
        written += step
    return written


def open_watermark() -> None:
    """Create the watermark unless it exists, before a transaction locks it. Raises django.db.Error."""
    if not UsageWatermark.objects.filter(pk=_ONLY_ROW).exists():
        UsageWatermark.objects.bulk_create([UsageWatermark(pk=_ONLY_ROW)], ignore_conflicts=True)


def lock_watermark() -> tuple[UsageWatermark, datetime] | None:
    """Lock the watermark and return it with the database's time; None where another transaction has it."""
    only = UsageWatermark.objects.filter(pk=_ONLY_ROW)
    watermark = only.select_for_update(skip_locked=True).first()
    if watermark is None:
        return None
    return watermark, only.values_list(Now()).get()[0]


def find_drift(since: date = date.min) -> list[str]:
    """Return where usage by day differs from its generations since a day, a hundred findings at most."""
    both = """
        SELECT account_id, day, SUM(counted), SUM(raw), SUM(paid), SUM(raw_paid) FROM (
            SELECT account_id, day, requests AS counted, 0 AS raw, cost_nano AS paid, 0 AS raw_paid
            FROM billing_usageday WHERE day >= %(since)s
            UNION ALL
            SELECT account_id, day, 0, 1, 0, cost_nano - write_off_nano FROM billing_generation
            WHERE id < (SELECT counted_until FROM billing_usagewatermark)
                AND id >= %(first_id)s AND day >= %(since)s
        ) AS both_sides
        WHERE day >= (SELECT kept_day FROM billing_usagewatermark)
        GROUP BY account_id, day
        HAVING SUM(counted) <> SUM(raw) OR SUM(paid) <> SUM(raw_paid) LIMIT 100
    """
    with transaction.atomic(), connection.cursor() as cursor:
        allow_long_statements(_STATEMENT_MINUTES)
        cursor.execute(both, {"since": since.isoformat(), "first_id": first_id_of(since).hex})
        return [
            f"account {account_id} on {day}: {counted} requests for {paid} are counted,"
            f" {raw} for {raw_paid} are right"
            for account_id, day, counted, raw, paid, raw_paid in cursor.fetchall()
        ]


def first_id_of(day: date) -> UUID:
    """Return an id below which there is no generation of a day in Moscow, or of a later one."""
    return NO_ID if day == date.min else least_id_at(midnight(day) - CLOCK_SLACK)


def counted_until() -> Coalesce:
    """Return an expression: the least id that is not aggregated yet."""
    watermark = UsageWatermark.objects.filter(pk=_ONLY_ROW).values("counted_until")
    return Coalesce(Subquery(watermark), Value(NO_ID, output_field=Generation._meta.pk))


def _step() -> int | None:
    """Aggregate at most a day's worth of generations; None when there is nothing more to do."""
    with transaction.atomic():
        allow_long_statements(_STATEMENT_MINUTES)
        locked = lock_watermark()
        if locked is None:
            return None
        watermark, now = locked
        until = settled_until(now)
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


def settled_until(now: datetime) -> UUID:
    """Return an id below which no new generation can appear.

    A generation replaces its hold. Open holds are visible; those that a transaction is just writing are
    too young to matter.
    """
    until = least_id_at(now - CLOCK_SLACK)
    oldest = Hold.objects.order_by("id").values_list("id", flat=True).first()
    return until if oldest is None else min(until, oldest)


def _write_days(days: set[date], until: UUID) -> int:
    """Sum days again, as far as the id `until`."""
    first = first_id_of(min(days))
    sums = (
        Generation.objects.filter(day__in=days, id__gte=first, id__lt=until)
        .values(*_BUCKET)
        .annotate(**SUMS)
        .values_list(*_BUCKET, *SUMS)
    )
    return sum(_upsert(batch) for batch in _batches(sums))


def _upsert(sums: Collection[tuple[Any, ...]]) -> int:
    names = (*_BUCKET, *FIGURES)
    UsageDay.objects.bulk_create(
        [UsageDay(**dict(zip(names, row, strict=True))) for row in sums],
        update_conflicts=True,
        update_fields=FIGURES,
        unique_fields=["account", *_BUCKET[1:]],
    )
    return len(sums)


def _batches(sums: QuerySet[Any, Any]) -> Iterable[list[tuple[Any, ...]]]:
    stream = sums.iterator(chunk_size=_ROWS_AT_ONCE)
    while batch := list(islice(stream, _ROWS_AT_ONCE)):
        yield batch
