"""How each model answered by the day, for ninety days: summed up from the bins of its providers."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.utils import timezone

from gateway.health.history import KEPT_DAYS
from gateway.health.route_history import RouteBin, RouteFigures, summed
from infra.moscow_time import moscow_day

Days = Mapping[dt.date, RouteFigures]
"""The figures of a model by Moscow days; a day without requests is missing."""


class ModelDay(models.Model):
    """A day of one model, whoever served it; `first_token_ms` is the median, null where none was measured."""

    model_id = models.TextField()
    day = models.DateField(db_index=True)
    requests = models.BigIntegerField()
    failures = models.BigIntegerField()
    first_token_ms = models.BigIntegerField(null=True)

    class Meta:
        app_label = "gateway"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(name="one_row_a_model_and_day", fields=["model_id", "day"]),
            models.CheckConstraint(
                name="model_failures_are_requests",
                condition=models.Q(failures__gte=0, requests__gte=models.F("failures")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id}, {self.day}"


def keep() -> int:
    """Sum up anew the days whose bins are there; return how many rows that made.

    It may run twice, late, or be killed: a day is written as a whole. Raises django.db.Error.
    """
    ModelDay.objects.filter(day__lt=_oldest()).delete()
    bins: dict[tuple[str, dt.date], list[RouteBin]] = defaultdict(list)
    for row in RouteBin.objects.order_by("began_at"):
        bins[row.model_id, moscow_day(row.began_at)].append(row)
    rows = []
    for (model_id, day), group in bins.items():
        figures = summed(group)
        rows.append(
            ModelDay(
                model_id=model_id,
                day=day,
                requests=figures.requests,
                failures=figures.failures,
                first_token_ms=figures.first_token_ms,
            )
        )
    ModelDay.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["model_id", "day"],
        update_fields=["requests", "failures", "first_token_ms"],
    )
    return len(rows)


def days() -> dict[str, Days]:
    """Return the days of every model that was asked in the last ninety, by its id. Raises django.db.Error."""
    found: dict[str, dict[dt.date, RouteFigures]] = defaultdict(dict)
    for row in ModelDay.objects.filter(day__gte=_oldest()).order_by("model_id", "day"):
        found[row.model_id][row.day] = RouteFigures(row.requests, row.failures, row.first_token_ms)
    return dict(found)


def days_of(model_id: str) -> Days:
    """Return the last ninety days of one model. Raises django.db.Error."""
    rows = ModelDay.objects.filter(model_id=model_id, day__gte=_oldest())
    return {row.day: RouteFigures(row.requests, row.failures, row.first_token_ms) for row in rows}


def _oldest() -> dt.date:
    return moscow_day(timezone.now()) - dt.timedelta(days=KEPT_DAYS - 1)
