"""Reads one day's usage by the hour, with the time that answers took, from the generations themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Sum
from django.db.models.functions import ExtractHour

from billing.errors import MoneyStoreUnavailable
from billing.models import Generation
from billing.usage.aggregation import CLOCK_SLACK, SUMS
from billing.usage.generation_ids import least_id_at
from billing.usage.usage_days import UsageRow
from infra.moscow_time import MOSCOW, midnight
from infra.replica import from_replica


@dataclass(frozen=True, slots=True)
class HourRow:
    """What one credential used of one model in an hour in Moscow.

    `timed` of the requests have a duration; `latency_ms` is the sum of these.
    """

    hour: int
    used: UsageRow
    latency_ms: int
    timed: int


@from_replica
def rows(account_id: int, day: date) -> Sequence[HourRow]:
    """Return an account's usage of a day in Moscow; nothing of days whose generations were deleted.

    Raises MoneyStoreUnavailable.
    """
    found = (
        Generation.objects.filter(
            account=account_id,
            day=day,
            id__gte=least_id_at(midnight(day) - CLOCK_SLACK),
            id__lt=least_id_at(midnight(day + timedelta(days=1)) + CLOCK_SLACK),
        )
        .annotate(hour=ExtractHour("created_at", tzinfo=MOSCOW))
        .values("hour", "model_id", "credential_kind", "credential_id")
        .annotate(**SUMS, sum_latency=Sum("latency_ms"), timed=Count("latency_ms"))
        .order_by("hour")
        .values_list(
            *("hour", "model_id", "credential_kind", "credential_id"),
            *("sum_latency", "timed", *SUMS),
        )
    )
    try:
        return [
            HourRow(
                hour,
                UsageRow(day, model_id, (kind, credential_id), *map(int, figures)),
                int(latency_ms or 0),
                timed,
            )
            for hour, model_id, kind, credential_id, latency_ms, timed, *figures in found
        ]
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
