"""Success and speed of each model at each provider in the last hour and day, from settled requests.

They are counted in bins of ten minutes, so that a page reads few rows and no request.
"""

import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from django.db import models
from django.utils import timezone

from billing.usage.generations import SettledAttempts, attempts_between
from gateway.health.history import FAILURES, LATEST_MINUTES
from infra.moscow_time import midnight, moscow_day

BIN = dt.timedelta(minutes=10)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)

RouteName = tuple[str, str]
"""The id of a model, and the slug of the provider that served it."""


class RouteBin(models.Model):
    """Ten minutes of one model at one provider; the times are medians, null where none was measured."""

    model_id = models.TextField()
    provider = models.SlugField(max_length=32, db_index=False)
    began_at = models.DateTimeField(db_index=True)
    requests = models.BigIntegerField()
    failures = models.BigIntegerField()
    first_token_ms = models.BigIntegerField(null=True)
    latency_ms = models.BigIntegerField(null=True)
    tokens_per_minute = models.BigIntegerField(null=True)

    class Meta:
        app_label = "gateway"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                name="one_row_a_model_provider_and_bin",
                fields=["model_id", "provider", "began_at"],
            ),
            models.CheckConstraint(
                name="route_failures_are_requests",
                condition=models.Q(failures__gte=0, requests__gte=models.F("failures")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id} at {self.provider}, {self.began_at}"


@dataclass(frozen=True, slots=True)
class RouteFigures:
    """What came of the requests of a period; None where nothing was measured.

    `first_token_ms` is of streams, `latency_ms` of whole answers of either kind.
    """

    requests: int = 0
    failures: int = 0
    first_token_ms: int | None = None
    latency_ms: int | None = None
    tokens_per_minute: int | None = None

    @property
    def success_rate(self) -> float | None:
        return 1 - self.failures / self.requests if self.requests else None

    @property
    def success_percent(self) -> float | None:
        rate = self.success_rate
        return None if rate is None else 100 * rate

    @property
    def tokens_per_second(self) -> float | None:
        return None if self.tokens_per_minute is None else round(self.tokens_per_minute / 60, 1)


NOTHING = RouteFigures()


@dataclass(frozen=True, slots=True)
class RouteMeasures:
    """The figures of the last hour and of the last day."""

    hour: RouteFigures = NOTHING
    day: RouteFigures = NOTHING


UNMEASURED = RouteMeasures()


def keep() -> int:
    """Count the latest bins anew; return how many rows that made.

    It may run twice, late, or be killed: a bin is written as a whole. Raises django.db.Error.
    """
    now = timezone.now()
    latest = _bin_of(now - dt.timedelta(minutes=LATEST_MINUTES))
    last = RouteBin.objects.order_by("-began_at").values_list("began_at", flat=True).first()
    began_at = min(latest, _yesterday() if last is None else last)
    rows = 0
    while began_at <= now:
        rows += _keep_bin(began_at)
        began_at += BIN
    return rows


def forget() -> None:
    """Delete the bins before yesterday: of a Moscow day all are there, or none. Raises django.db.Error."""
    RouteBin.objects.filter(began_at__lt=_yesterday()).delete()


def measures(now: dt.datetime) -> dict[RouteName, RouteMeasures]:
    """Return the figures of every model and provider that was asked in the last day. Raises django.db.Error."""
    bins: dict[RouteName, list[RouteBin]] = defaultdict(list)
    for row in RouteBin.objects.filter(began_at__gte=now - DAY).order_by("began_at"):
        bins[row.model_id, row.provider].append(row)
    return {
        name: RouteMeasures(summed(row for row in rows if row.began_at >= now - HOUR), summed(rows))
        for name, rows in bins.items()
    }


@dataclass(slots=True)
class _RouteCount:
    requests: int = 0
    failures: int = 0
    first_token_ms: list[int] = field(default_factory=list)
    latency_ms: list[int] = field(default_factory=list)
    tokens_per_minute: list[int] = field(default_factory=list)


def _keep_bin(began_at: dt.datetime) -> int:
    counts = _counted(attempts_between(began_at, began_at + BIN))
    rows = [
        RouteBin(
            model_id=model_id,
            provider=provider,
            began_at=began_at,
            requests=count.requests,
            failures=count.failures,
            first_token_ms=_median(count.first_token_ms),
            latency_ms=_median(count.latency_ms),
            tokens_per_minute=_median(count.tokens_per_minute),
        )
        for (model_id, provider), count in counts.items()
    ]
    RouteBin.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["model_id", "provider", "began_at"],
        update_fields=["requests", "failures", "first_token_ms", "latency_ms", "tokens_per_minute"],
    )
    return len(rows)


def _counted(settled: Iterable[SettledAttempts]) -> Mapping[RouteName, _RouteCount]:
    """Count the attempts, but not failures that are no fault of the provider, such as its limit."""
    counts: dict[RouteName, _RouteCount] = defaultdict(_RouteCount)
    for request in settled:
        for attempt in request.attempts:
            is_answer = attempt["outcome"] == "answered"
            if not is_answer and attempt["outcome"] not in FAILURES:
                continue
            count = counts[attempt["model"], attempt["provider"]]
            count.requests += 1
            if not is_answer or request.error_code in FAILURES:
                count.failures += 1
            elif request.latency_ms is not None:
                _time(count, request, attempt["ms"], request.latency_ms)
    return counts


def _time(count: _RouteCount, request: SettledAttempts, first_ms: int, latency_ms: int) -> None:
    count.latency_ms.append(latency_ms)
    speaking_ms = latency_ms
    if request.is_streamed:
        count.first_token_ms.append(first_ms)
        speaking_ms -= first_ms
    if request.tokens_completion and speaking_ms > 0:
        count.tokens_per_minute.append(60_000 * request.tokens_completion // speaking_ms)


def summed(rows: Iterable[RouteBin]) -> RouteFigures:
    """Sum bins of one model up; a median is that of the bins, weighted by requests."""
    bins = list(rows)
    return RouteFigures(
        sum(row.requests for row in bins),
        sum(row.failures for row in bins),
        _weighted([(row.first_token_ms, row.requests) for row in bins]),
        _weighted([(row.latency_ms, row.requests) for row in bins]),
        _weighted([(row.tokens_per_minute, row.requests) for row in bins]),
    )


def _weighted(pairs: Sequence[tuple[int | None, int]]) -> int | None:
    known = sorted((value, weight) for value, weight in pairs if value is not None)
    half, seen = sum(weight for _, weight in known) / 2, 0
    for value, weight in known:
        seen += weight
        if seen >= half:
            return value
    return None


def _median(values: Sequence[int]) -> int | None:
    return round(statistics.median(values)) if values else None


def _yesterday() -> dt.datetime:
    return midnight(moscow_day(timezone.now())) - DAY


def _bin_of(at: dt.datetime) -> dt.datetime:
    return at.replace(minute=at.minute - at.minute % 10, second=0, microsecond=0)
