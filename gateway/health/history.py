"""Success and speed of providers by the hour, for the status page; computed from settled requests."""

import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from django.db import models
from django.utils import timezone

from billing.usage.generations import SettledAttempts, attempts_between

KEPT_DAYS = 90
LATEST_MINUTES = 20
"""A request may be settled so long after it began: an hour that ended is counted again until then."""
FIRST_LOOK = dt.timedelta(days=1)
FAILURES = frozenset({"unavailable", "not_understood", "timeout", "credential_refused"})


class ProviderHour(models.Model):
    """The requests to one provider in an hour; `first_token_ms` is the median, null where none was measured."""

    provider = models.SlugField(max_length=32, db_index=False)
    began_at = models.DateTimeField(db_index=True)
    requests = models.BigIntegerField()
    failures = models.BigIntegerField()
    first_token_ms = models.BigIntegerField(null=True)

    class Meta:
        app_label = "gateway"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                name="one_row_a_provider_and_hour", fields=["provider", "began_at"]
            ),
            models.CheckConstraint(
                name="provider_failures_are_requests",
                condition=models.Q(failures__gte=0, requests__gte=models.F("failures")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}, {self.began_at}"


@dataclass(frozen=True, slots=True)
class Period:
    """The requests to a provider in an hour or a Moscow day; `success_rate` is None where there were none."""

    provider: str
    began_at: dt.datetime
    requests: int
    failures: int
    first_token_ms: int | None

    @property
    def success_rate(self) -> float | None:
        return 1 - self.failures / self.requests if self.requests else None


@dataclass(slots=True)
class _Count:
    requests: int = 0
    failures: int = 0
    streamed_ms: list[int] = field(default_factory=list)
    plain_ms: list[int] = field(default_factory=list)

    @property
    def first_token_ms(self) -> int | None:
        times = self.streamed_ms or self.plain_ms
        return round(statistics.median(times)) if times else None


def keep() -> int:
    """Count the latest hours anew, all since the last one that was counted; return how many rows that made.

    It may run twice, late, or be killed: an hour is written as a whole. Raises django.db.Error.
    """
    now = timezone.now()
    ProviderHour.objects.filter(began_at__lt=now - dt.timedelta(days=KEPT_DAYS)).delete()
    hour = _hour(now - dt.timedelta(minutes=LATEST_MINUTES))
    last = ProviderHour.objects.order_by("-began_at").values_list("began_at", flat=True).first()
    hour = min(hour, _hour(now - FIRST_LOOK) if last is None else last)
    rows = 0
    while hour <= now:
        rows += _keep_hour(hour)
        hour += dt.timedelta(hours=1)
    return rows


def hours(since: dt.datetime) -> list[Period]:
    """Return the hours from `since` on, oldest first."""
    rows = ProviderHour.objects.filter(began_at__gte=since).order_by("began_at", "provider")
    fields = ("provider", "began_at", "requests", "failures", "first_token_ms")
    return [Period(*row) for row in rows.values_list(*fields)]


def days(periods: Iterable[Period]) -> list[Period]:
    """Sum hours up to Moscow days, oldest first; the median is that of the hours, weighted by requests."""
    grouped: dict[tuple[dt.datetime, str], list[Period]] = defaultdict(list)
    for period in periods:
        day = timezone.localtime(period.began_at).replace(hour=0, minute=0, second=0, microsecond=0)
        grouped[day, period.provider].append(period)
    return [
        Period(
            provider,
            day,
            sum(period.requests for period in group),
            sum(period.failures for period in group),
            _median_of(group),
        )
        for (day, provider), group in sorted(grouped.items(), key=lambda item: item[0])
    ]


def _median_of(group: Sequence[Period]) -> int | None:
    times = sorted(
        (period.first_token_ms, period.requests)
        for period in group
        if period.first_token_ms is not None
    )
    half, seen = sum(requests for _, requests in times) / 2, 0
    for first_token_ms, requests in times:
        seen += requests
        if seen >= half:
            return first_token_ms
    return None


def _keep_hour(hour: dt.datetime) -> int:
    counts = _counted(attempts_between(hour, hour + dt.timedelta(hours=1)))
    rows = [
        ProviderHour(
            provider=provider,
            began_at=hour,
            requests=count.requests,
            failures=count.failures,
            first_token_ms=count.first_token_ms,
        )
        for provider, count in counts.items()
    ]
    ProviderHour.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["provider", "began_at"],
        update_fields=["requests", "failures", "first_token_ms"],
    )
    return len(rows)


def _counted(settled: Iterable[SettledAttempts]) -> dict[str, _Count]:
    """Count the attempts, but not failures that are no fault of the provider, such as its limit."""
    counts: dict[str, _Count] = defaultdict(_Count)
    for request in settled:
        for attempt in request.attempts:
            is_answer = attempt["outcome"] == "answered"
            if not is_answer and attempt["outcome"] not in FAILURES:
                continue
            count = counts[attempt["provider"]]
            count.requests += 1
            if not is_answer or request.error_code in FAILURES:
                count.failures += 1
            else:
                times = count.streamed_ms if request.is_streamed else count.plain_ms
                times.append(attempt["ms"])
    return counts


def _hour(at: dt.datetime) -> dt.datetime:
    return at.replace(minute=0, second=0, microsecond=0)
