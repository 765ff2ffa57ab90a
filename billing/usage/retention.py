"""Deletes old generations once they are aggregated; on PostgreSQL by whole months."""

import time
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction

from billing.models import Generation
from billing.usage import aggregation, partitions
from billing.usage.generation_ids import least_id_at, time_of
from infra.moscow_time import midnight, moscow_day

TIME_BUDGET_S = 20.0
ROWS_AT_ONCE = 1000


def drop_old() -> int:
    """Delete generations older than GENERATION_RETENTION_DAYS; return how many rows and months went.

    What the next aggregation may need stays. The watermark first records since when generations are
    complete, so that the audit ignores those before. Raises django.db.Error.
    """
    if not settings.GENERATION_RETENTION_DAYS:
        return 0
    aggregation.open_watermark()
    with transaction.atomic():
        locked = aggregation.lock_watermark()
        if locked is None:
            return 0
        watermark, now = locked
        wanted = moscow_day(now) - timedelta(days=settings.GENERATION_RETENTION_DAYS)
        counted = moscow_day(time_of(watermark.counted_until)) - timedelta(days=2)
        day = min(wanted, counted)
        if connection.vendor == "postgresql":
            day = day.replace(day=1)
        first_kept = least_id_at(midnight(day))
        if first_kept > watermark.kept_from:
            watermark.kept_from = first_kept
            # An id is older than its hold, whose day it is: the first day may lack some.
            watermark.kept_day = day + timedelta(days=1)
            watermark.save(update_fields=["kept_from", "kept_day"])
        first_kept = watermark.kept_from
    dropped = partitions.drop_before(moscow_day(time_of(first_kept)))
    old = Generation.objects.filter(id__lt=first_kept).order_by("id").values_list("id", flat=True)
    end_s = time.monotonic() + TIME_BUDGET_S
    while time.monotonic() < end_s and (batch := list(old[:ROWS_AT_ONCE])):
        dropped += Generation.objects.filter(id__in=batch).delete()[0]
    return dropped
