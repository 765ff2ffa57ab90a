"""Requests counted in the database: exact, by Moscow's day, and the same after any restart."""

import datetime as dt
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from billing.limits import counters
from billing.limits.store import LimitDenied, Window
from billing.models import RequestCount

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]

SECOND = 1_000_000
NOON_US = int(dt.datetime(2026, 11, 22, 9, 0, tzinfo=dt.UTC).timestamp()) * SECOND
MINUTE = Window("account_minute", "account:1", 20, 60, in_database=True)


def refusal_at(now_us: int, window: Window = MINUTE, day_requests: int | None = 200) -> LimitDenied:
    with pytest.raises(LimitDenied) as refused:
        counters.count(window, day_requests, now_us)
    return refused.value


def spend_the_day(last_us: int) -> None:
    """Count 200 requests of one day, the last of them at that time."""
    for request in range(200):
        counters.count(MINUTE, 200, last_us - (199 - request) * 3 * SECOND)


def test_a_minute_takes_twenty_and_then_one_for_each_that_leaves_it() -> None:
    for second in range(20):
        counted = counters.count(MINUTE, 200, NOON_US + second * SECOND)
        assert (counted.used, counted.day_requests) == (second + 1, second + 1)
    refusal = refusal_at(NOON_US + 19 * SECOND)
    assert (refusal.source, refusal.wait_s, refusal.reset_s) == ("account_minute", 41, 60)
    refusal_at(NOON_US + 60 * SECOND - 1)
    assert counters.count(MINUTE, 200, NOON_US + 60 * SECOND).used == 20
    assert refusal_at(NOON_US + 60 * SECOND).wait_s == 1
    assert RequestCount.objects.get().day_requests == 21


def test_a_refused_request_counts_neither_for_the_minute_nor_for_the_day() -> None:
    for _ in range(50):
        try:
            counters.count(MINUTE, 200, NOON_US)
        except LimitDenied:
            continue
    assert counters.count(MINUTE, 200, NOON_US + 60 * SECOND).day_requests == 21


def test_the_day_ends_at_moscows_midnight() -> None:
    before_us = int(dt.datetime(2026, 11, 22, 20, 59, 59, tzinfo=dt.UTC).timestamp()) * SECOND
    spend_the_day(before_us - 60 * SECOND)
    refusal = refusal_at(before_us)
    assert (refusal.source, refusal.wait_s, refusal.reset_s) == ("account_day", 1, 1)
    assert refusal_at(before_us + SECOND - 1).source == "account_day"
    assert counters.count(MINUTE, 200, before_us + SECOND).day_requests == 1


def test_midnight_forgives_no_minute() -> None:
    midnight_us = int(dt.datetime(2026, 11, 22, 21, 0, tzinfo=dt.UTC).timestamp()) * SECOND
    for _ in range(20):
        counters.count(MINUTE, 200, midnight_us - SECOND)
    assert refusal_at(midnight_us).source == "account_minute"


def test_a_clock_that_goes_back_over_midnight_gives_no_second_day() -> None:
    midnight_us = int(dt.datetime(2026, 11, 22, 21, 0, tzinfo=dt.UTC).timestamp()) * SECOND
    spend_the_day(midnight_us + 3600 * SECOND)
    assert refusal_at(midnight_us - SECOND).source == "account_day"
    assert refusal_at(midnight_us + 3700 * SECOND).source == "account_day"


def test_a_clock_set_back_by_minutes_neither_locks_nor_opens() -> None:
    for _ in range(20):
        counters.count(MINUTE, 200, NOON_US)
    for _ in range(20):
        counters.count(MINUTE, 200, NOON_US - 300 * SECOND)
    assert refusal_at(NOON_US - 300 * SECOND).wait_s == 60


def test_a_stamp_that_waited_is_entered_as_no_older_than_the_one_before() -> None:
    counters.count(MINUTE, 200, NOON_US)
    counters.count(MINUTE, 200, NOON_US - 5000)
    assert RequestCount.objects.get().stamps == str(NOON_US) * 2


def test_a_window_without_a_day_leaves_the_day_alone() -> None:
    second = Window("account_second", "account:1", 3, 1, in_database=True)
    for _ in range(3):
        assert counters.count(second, None, NOON_US).day_requests == 0
    assert refusal_at(NOON_US, second, None).source == "account_second"


def test_a_smaller_limit_does_not_forget_what_a_larger_one_counted() -> None:
    for call in range(10):
        requests = 10 if call % 2 else 5
        window = Window("key", "key:1", requests, 60, in_database=True)
        if call < 5 or requests == 10:
            counters.count(window, None, NOON_US)
    assert refusal_at(NOON_US, Window("key", "key:1", 8, 60), None).source == "key"


def test_two_windows_count_together_or_not_at_all() -> None:
    key = Window("key", "key:1", 1, 60, in_database=True)
    assert [each.used for each in counters.count_all([MINUTE, key], 200, NOON_US)] == [1, 1]
    with pytest.raises(LimitDenied):
        counters.count_all([MINUTE, key], 200, NOON_US)
    assert counters.count(MINUTE, 200, NOON_US).used == 2


def test_the_day_of_an_account_is_read_as_moscow_has_it() -> None:
    assert counters.day_count("account:1", NOON_US) == 0
    counters.count(MINUTE, 200, NOON_US)
    assert counters.day_count("account:1", NOON_US) == 1
    assert counters.day_count("account:1", NOON_US + 12 * 3600 * SECOND) == 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_the_database_admits_exactly_the_limit() -> None:
    def call(_: int) -> bool:
        try:
            counters.count(MINUTE, 200, counters.database_clock_us())
        except LimitDenied:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(call, range(100))) == 20
    assert RequestCount.objects.get().day_requests == 20


HOUR = Window("key", "key:1", 3, 3600, in_database=True)
OWNERS = [MINUTE, HOUR, *(MINUTE._replace(log=f"account:{owner}", requests=2) for owner in (2, 3))]


def outcome_of(counted: counters.Count | LimitDenied) -> object:
    if isinstance(counted, counters.Count):
        return counted
    return counted.source, counted.wait_s, counted.reset_s


@pytest.mark.postgres
@pytest.mark.parametrize("seed", range(5))
def test_requests_counted_together_come_to_what_they_come_to_one_by_one(seed: int) -> None:
    chance = random.Random(seed)
    now_us, requests = NOON_US, []
    for _ in range(120):
        now_us += chance.choice((0, 0, 1, SECOND, -SECOND, 20 * SECOND, 4 * 3600 * SECOND))
        window = chance.choice(OWNERS)
        requests.append(counters.CountRequest(window, None if window is HOUR else 30, now_us))
    together: list[counters.Count | LimitDenied] = []
    with transaction.atomic():
        for first in range(0, len(requests), 30):
            together += counters.count_together(requests[first : first + 30])
        transaction.set_rollback(True)

    for request, counted in zip(requests, together, strict=True):
        alone: counters.Count | LimitDenied
        try:
            alone = counters.count(request.window, request.day_requests, request.now_us)
        except LimitDenied as denied:
            alone = denied
        assert outcome_of(counted) == outcome_of(alone)
    assert {type(counted) for counted in together} == {counters.Count, LimitDenied}


def test_what_no_limit_looks_at_any_more_is_deleted_and_nothing_else() -> None:
    now_us = counters.database_clock_us()
    for owner, days in (("a", 0), ("b", 1), ("c", 5)):
        counters.count(Window("key", owner, 3, 86_400), None, now_us - days * 86_400 * SECOND)
    counters.drop_old()
    assert set(RequestCount.objects.values_list("owner", flat=True)) == {"a", "b"}
