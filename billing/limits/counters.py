"""Request counts in the database, for limits that must survive the loss of Redis and a restart."""

import datetime as dt
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction

from billing.errors import MoneyStoreUnavailable
from billing.ledger.retrying_connection import RetryingConnection, break_off_stuck
from billing.limits.store import LimitDenied, Window
from billing.models import RequestCount
from infra import prepared
from infra.group_commit import GroupCommit, StillRunning
from infra.moscow_time import midnight, moscow_day

STAMP_DIGITS = 16
STAMPS_MIN = 20
NO_DAY_LIMIT = 2**31 - 1
KEPT_DAYS = 2

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

# The same for requests of many owners, each of them once, on PostgreSQL. They come sorted, so that two
# batches lock their rows in one order.
COUNT_MANY = f"""
    INSERT INTO billing_requestcount AS counted (owner, day, day_requests, stamps)
    SELECT given.owner, given.day, $4::int, given.stamp
    FROM unnest($1::text[], $2::date[], $3::text[]) AS given (owner, day, stamp), {prepared.PATIENCE}
    WHERE patience.timeout <> ''
    ON CONFLICT (owner) DO UPDATE SET
        day = GREATEST(counted.day, excluded.day),
        day_requests = excluded.day_requests
            + CASE WHEN counted.day < excluded.day THEN 0 ELSE counted.day_requests END,
        stamps = substr(
            CASE WHEN substr(counted.stamps, 1, {STAMP_DIGITS}) COLLATE "C" BETWEEN excluded.stamps
                AND lpad((excluded.stamps::bigint + $7::bigint)::text, {STAMP_DIGITS}, '0')
            THEN substr(counted.stamps, 1, {STAMP_DIGITS}) ELSE excluded.stamps END
            || counted.stamps, 1, $5::int)
    WHERE (counted.day < excluded.day OR counted.day_requests + excluded.day_requests <= $6::int)
        AND substr(counted.stamps, $8::int, {STAMP_DIGITS}) COLLATE "C" NOT BETWEEN
            lpad((excluded.stamps::bigint - $7::bigint + 1)::text, {STAMP_DIGITS}, '0')
            AND lpad((excluded.stamps::bigint + $7::bigint)::text, {STAMP_DIGITS}, '0')
    RETURNING owner, day_requests, stamps
"""  # noqa: S608 -- of constants
PATIENCE_S = 0.9
LINGER_S = 300.0
"""How long the thread that counts keeps its connection when it has nothing to do."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many requests the day and the window have, including the one just counted."""

    day_requests: int
    used: int


@dataclass(frozen=True, slots=True)
class CountRequest:
    """One request that is to be counted."""

    window: Window
    day_requests: int | None
    now_us: int


def count(window: Window, day_requests: int | None, now_us: int) -> Count:
    """Count one request against the window and, unless None, the day.

    On PostgreSQL those that come at one time are counted together, unless a transaction is running.
    Raises: LimitDenied, django.db.Error.
    """
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        return _count_here(window, day_requests, now_us)
    try:
        return _counts.submit(CountRequest(window, day_requests, now_us), timeout_s=PATIENCE_S)
    except StillRunning:
        raise OperationalError("Requests are counted too slowly.") from None


def count_together(requests: Sequence[CountRequest]) -> list[Count | LimitDenied]:
    """Count requests in their order, on PostgreSQL, with a statement for all whose limits are alike."""
    outcomes: dict[int, Count | LimitDenied] = {}
    full: dict[str, RequestCount] = {}
    waiting = list(enumerate(requests))
    while waiting:
        _, first = waiting[0]
        turn: dict[str, tuple[int, CountRequest]] = {}
        later = []
        for number, request in waiting:
            row = full.get(request.window.log)
            if row and _is_full(row, request.window, request.day_requests, request.now_us):
                outcomes[number] = _denied(
                    row, request.window, request.day_requests, request.now_us
                )
            elif request.window.log not in turn and _limits(request) == _limits(first):
                turn[request.window.log] = number, request
            else:
                later.append((number, request))
        counted = _count_turn([turn[log][1] for log in sorted(turn)])
        if refused := turn.keys() - counted.keys():
            rows = RequestCount.objects.in_bulk(list(refused))
            for log in refused:
                number, request = turn[log]
                full[log] = rows[log]
                outcomes[number] = _denied(
                    rows[log], request.window, request.day_requests, request.now_us
                )
        outcomes |= {turn[log][0]: found for log, found in counted.items()}
        waiting = later
    return [outcomes[number] for number in range(len(requests))]


def flush(timeout_s: float) -> bool:
    """End the thread that counts, and close its connection; the next request starts it again."""
    return _counts.flush(timeout_s)


def _limits(request: CountRequest) -> tuple[int, int, int | None]:
    return request.window.requests, request.window.window_s, request.day_requests


def _count_turn(requests: Sequence[CountRequest]) -> dict[str, Count]:
    """Count requests of different owners with the same limits; return those that are admitted."""
    if not requests:
        return {}
    places, window_s, day_requests = _limits(requests[0])
    rows = prepared.rows(
        COUNT_MANY,
        prepared.array(request.window.log for request in requests),
        prepared.array(_day(request.now_us).isoformat() for request in requests),
        prepared.array(_stamp(request.now_us) for request in requests),
        "0" if day_requests is None else "1",
        str(max(places, STAMPS_MIN) * STAMP_DIGITS),
        str(NO_DAY_LIMIT if day_requests is None else day_requests),
        str(window_s * 1_000_000),
        str((places - 1) * STAMP_DIGITS + 1),
    )
    asked = {request.window.log: request for request in requests}
    return {
        log: _count(asked[log].window, asked[log].now_us, day_count, stamps)
        for log, day_count, stamps in rows
    }


def _count(window: Window, now_us: int, day_requests: int, stamps: str) -> Count:
    since_us, until_us = _bounds(window, now_us)
    newest = _stamps(stamps)[: window.requests]
    return Count(day_requests, sum(since_us <= stamp <= until_us for stamp in newest))


def _count_here(window: Window, day_requests: int | None, now_us: int) -> Count:
    since_us, until_us = _bounds(window, now_us)
    with connection.cursor() as cursor:
        cursor.execute(
            COUNT,
            {
                "owner": window.log,
                "day": _day(now_us).isoformat(),
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
        counted = RequestCount.objects.get(owner=window.log)
        raise _denied(counted, window, day_requests, now_us)
    return _count(window, now_us, *row)


def count_all(windows: list[Window], day_requests: int | None, now_us: int) -> list[Count]:
    """Count one request against all the windows or none. Raises: LimitDenied.

    The day is counted with the account's window.
    """
    with transaction.atomic() if len(windows) > 1 else nullcontext():
        return [
            count(window, None if window.source == "key" else day_requests, now_us)
            for window in windows
        ]


def judge_all(windows: list[Window], day_requests: int | None, now_us: int) -> None:
    """Raise LimitDenied where `count_all` would now, and count nothing."""
    counted = RequestCount.objects.in_bulk([window.log for window in windows])
    for window in windows:
        day_limit = None if window.source == "key" else day_requests
        row = counted.get(window.log)
        if row is not None and _is_full(row, window, day_limit, now_us):
            raise _denied(row, window, day_limit, now_us)


def day_count(log: str, now_us: int) -> int:
    """Return how many requests are counted today."""
    row = RequestCount.objects.filter(owner=log, day__gte=_day(now_us)).first()
    return row.day_requests if row else 0


def drop_old() -> None:
    """Delete what no limit looks at any more: that of today and of the last 24 hours do."""
    least_day = _day(database_clock_us()) - dt.timedelta(days=KEPT_DAYS)
    RequestCount.objects.filter(day__lt=least_day).delete()


def database_clock_us() -> int:
    """Return the database's Unix time in microseconds."""
    if connection.vendor != "postgresql":
        return time.time_ns() // 1000  # SQLite runs in this process and has no other clock
    with connection.cursor() as cursor:
        cursor.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        return int(cursor.fetchone()[0])


def until_midnight_s(now_us: int) -> float:
    """Return how long Moscow's day still lasts."""
    tomorrow = midnight(_day(now_us) + dt.timedelta(days=1))
    return tomorrow.timestamp() - now_us / 1_000_000


def _day(now_us: int) -> dt.date:
    return moscow_day(dt.datetime.fromtimestamp(now_us / 1_000_000, dt.UTC))


def _is_full(row: RequestCount, window: Window, day_requests: int | None, now_us: int) -> bool:
    """Say whether the statement would refuse."""
    if day_requests is not None and row.day >= _day(now_us) and row.day_requests >= day_requests:
        return True
    since_us, until_us = _bounds(window, now_us)
    stamps = _stamps(row.stamps)
    return len(stamps) >= window.requests and since_us <= stamps[window.requests - 1] <= until_us


def _denied(
    row: RequestCount, window: Window, day_requests: int | None, now_us: int
) -> LimitDenied:
    """Return why the statement refused; of several limits, the one that lasts longest."""
    is_today = row.day >= _day(now_us)
    if day_requests is not None and is_today and row.day_requests >= day_requests:
        left_s = until_midnight_s(now_us)
        return LimitDenied("account_day", left_s, left_s)
    stamps = _stamps(row.stamps)
    window_us = window.window_s * 1_000_000
    free_us = stamps[window.requests - 1] + window_us if len(stamps) >= window.requests else now_us
    wait_s = max(0, free_us - now_us) / 1e6
    return LimitDenied(window.source, wait_s, max(0, stamps[0] + window_us - now_us) / 1e6)


def _bounds(window: Window, now_us: int) -> tuple[int, int]:
    """Return the first and the last stamp inside the window."""
    window_us = window.window_s * 1_000_000
    return now_us - window_us + 1, now_us + window_us


def _stamp(unix_us: int) -> str:
    return f"{unix_us:0{STAMP_DIGITS}d}"


def _stamps(text: str) -> list[int]:
    return [int(text[at : at + STAMP_DIGITS]) for at in range(0, len(text), STAMP_DIGITS)]


def _count_batch(requests: Sequence[CountRequest]) -> Sequence[Count | Exception]:
    try:
        return _connection.run(
            lambda is_repeat: count_together(requests), patience_s=PATIENCE_S / 2
        )
    except MoneyStoreUnavailable as error:
        return [OperationalError(str(error))] * len(requests)


_connection = RetryingConnection(is_own=True)
_counts: GroupCommit[CountRequest, Count] = GroupCommit(
    _count_batch,
    name="request-counts",
    rest=_connection.rest,
    hurry=break_off_stuck,
    linger_s=LINGER_S,
)
