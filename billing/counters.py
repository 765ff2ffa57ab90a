"""Requests counted in the database, where a count has to outlive every cache: the free tier's."""

import datetime as dt
import time
from contextlib import nullcontext
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import connection, models, transaction

from billing.limit_store import Refusal, Window

MOSCOW = ZoneInfo("Europe/Moscow")
STAMP_DIGITS = 16
STAMPS_MIN = 20
NO_DAY_LIMIT = 2**31 - 1

# One statement decides and counts, so that PostgreSQL repeats its conditions on the newest row
# after every wait for the row's lock. A stamp that waited is entered as no older than the one
# before it, and one far ahead of now comes from a clock that was set back: it counts no more.
COUNT = """
    INSERT INTO billing_requestcount AS counted (owner, day, day_requests, stamps)
    VALUES (%(owner)s, %(day)s, %(step)s, %(now)s)
    ON CONFLICT (owner) DO UPDATE SET
        day = CASE WHEN counted.day < excluded.day THEN excluded.day ELSE counted.day END,
        day_requests = excluded.day_requests
            + CASE WHEN counted.day < excluded.day THEN 0 ELSE counted.day_requests END,
        stamps = substr(
            CASE WHEN substr(counted.stamps, 1, %(digits)s) BETWEEN excluded.stamps AND %(until)s
                THEN substr(counted.stamps, 1, %(digits)s) ELSE excluded.stamps END
            || counted.stamps, 1, %(kept)s)
    WHERE (counted.day < excluded.day
            OR counted.day_requests + excluded.day_requests <= %(day_limit)s)
        AND substr(counted.stamps, %(place)s, %(digits)s) NOT BETWEEN %(since)s AND %(until)s
    RETURNING day_requests, stamps
"""


class RequestCount(models.Model):
    """What one account or key was admitted today and lately.

    `stamps` are Unix times in microseconds, 16 digits each, the newest first, without separators.
    `day` is Moscow's and never goes back.
    """

    owner = models.CharField(max_length=40, primary_key=True)
    day = models.DateField()
    day_requests = models.PositiveIntegerField()
    stamps = models.TextField()

    def __str__(self) -> str:
        return f"{self.owner}: {self.day_requests} on {self.day}"


@dataclass(frozen=True, slots=True)
class Count:
    """Requests of the day and of the window, the one just counted among them."""

    day_requests: int
    used: int


def count(window: Window, day_requests: int | None, now_us: int) -> Count:
    """Count one request against the window and, unless None, the day. Raises: Refusal."""
    since_us, until_us = _bounds(window, now_us)
    with connection.cursor() as cursor:
        cursor.execute(
            COUNT,
            {
                "owner": window.log,
                "day": moscow_day(now_us).isoformat(),
                "step": 0 if day_requests is None else 1,
                "now": _stamp(now_us),
                "digits": STAMP_DIGITS,
                "kept": max(window.requests, STAMPS_MIN) * STAMP_DIGITS,
                "day_limit": NO_DAY_LIMIT if day_requests is None else day_requests,
                "place": (window.requests - 1) * STAMP_DIGITS + 1,
                "since": _stamp(since_us),
                "until": _stamp(until_us),
            },
        )
        row = cursor.fetchone()
    if row is None:
        raise _refusal(window, day_requests, now_us)
    stamps = _stamps(row[1])
    return Count(row[0], sum(since_us <= stamp <= until_us for stamp in stamps[: window.requests]))


def count_all(windows: list[Window], day_requests: int | None, now_us: int) -> list[Count]:
    """Count one request against all the windows or none. Raises: Refusal.

    The day is counted with the account's window.
    """
    with transaction.atomic() if len(windows) > 1 else nullcontext():
        return [
            count(window, None if window.source == "key" else day_requests, now_us)
            for window in windows
        ]


def day_count(log: str, now_us: int) -> int:
    """Return how many requests count today."""
    row = RequestCount.objects.filter(owner=log, day__gte=moscow_day(now_us)).first()
    return row.day_requests if row else 0


def database_clock_us() -> int:
    """Return the database's Unix time in microseconds."""
    if connection.vendor != "postgresql":
        return time.time_ns() // 1000  # SQLite runs in this process and has no other clock
    with connection.cursor() as cursor:
        cursor.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        return int(cursor.fetchone()[0])


def moscow_day(now_us: int) -> dt.date:
    """Return Moscow's date."""
    return dt.datetime.fromtimestamp(now_us / 1_000_000, MOSCOW).date()


def until_midnight_s(now_us: int) -> float:
    """Return how long Moscow's day still lasts."""
    tomorrow = moscow_day(now_us) + dt.timedelta(days=1)
    midnight = dt.datetime.combine(tomorrow, dt.time.min, MOSCOW)
    return midnight.timestamp() - now_us / 1_000_000


def _refusal(window: Window, day_requests: int | None, now_us: int) -> Refusal:
    """Explain what the statement refused, by the limit that lasts longest."""
    row = RequestCount.objects.get(owner=window.log)
    is_today = row.day >= moscow_day(now_us)
    if day_requests is not None and is_today and row.day_requests >= day_requests:
        left_s = until_midnight_s(now_us)
        return Refusal("account_day", left_s, left_s)
    stamps = _stamps(row.stamps)
    window_us = window.window_s * 1_000_000
    free_us = stamps[window.requests - 1] + window_us if len(stamps) >= window.requests else now_us
    wait_s = max(0, free_us - now_us) / 1e6
    return Refusal(window.source, wait_s, max(0, stamps[0] + window_us - now_us) / 1e6)


def _bounds(window: Window, now_us: int) -> tuple[int, int]:
    """Return the first and the last stamp that count."""
    window_us = window.window_s * 1_000_000
    return now_us - window_us + 1, now_us + window_us


def _stamp(unix_us: int) -> str:
    return f"{unix_us:0{STAMP_DIGITS}d}"


def _stamps(text: str) -> list[int]:
    return [int(text[at : at + STAMP_DIGITS]) for at in range(0, len(text), STAMP_DIGITS)]
