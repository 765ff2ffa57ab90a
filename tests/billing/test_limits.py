"""The limits as the rest of the service meets them: tiers, admission, what a refusal says."""

import itertools
import time

import pytest
import redis
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from accounts.principal import UNLIMITED, KeyLimits, KeyRate
from billing.limits import counters, request_limits
from billing.limits.request_limits import Admission, LimitExceeded, LimitStoreUnavailable, Tier
from billing.models import RequestCount
from infra.moscow_time import moscow_day

CREDIT = 1_000_000_000
FREE = Tier("free", 20, 60, 200, 20)

_numbers = itertools.count(int(time.time()), 2)


@pytest.fixture(params=["embedded", "redis"])
def _store(request: pytest.FixtureRequest, settings: Settings, redis_url: str) -> None:
    settings.REDIS_URL = redis_url if request.param == "redis" else ""


@pytest.fixture
def account_id() -> int:
    """Return an account that nothing was counted for."""
    return next(_numbers)


def admit(
    account_id: int,
    tier: Tier = FREE,
    rate: KeyRate | None = None,
    *,
    key_id: int | None = None,
    **limits: int,
) -> Admission:
    key_limits = KeyLimits(rate, **limits)
    lease_id = f"lease-{next(_numbers)}"
    return request_limits.admit(account_id, key_id or account_id, tier, key_limits, lease_id)


def refusal_of(
    account_id: int, tier: Tier = FREE, rate: KeyRate | None = None, **limits: int
) -> LimitExceeded:
    with pytest.raises(LimitExceeded) as refused:
        admit(account_id, tier, rate, **limits)
    return refused.value


def spend_the_day(account_id: int, requests: int) -> None:
    """Leave the account with so many requests of today, all of them hours ago."""
    today = moscow_day(timezone.now())
    RequestCount.objects.create(
        owner=f"account:{account_id}", day=today, day_requests=requests, stamps=""
    )


@pytest.mark.parametrize(
    ("posted_nano", "name", "requests"),
    [
        (-1, "free", 20),
        (0, "free", 20),
        (1, "paid", 1),
        (CREDIT, "paid", 1),
        (CREDIT + 1, "paid", 2),
        (99 * CREDIT - 1, "paid", 99),
        (500 * CREDIT, "paid", 500),
        (10**6 * CREDIT, "paid", 500),
    ],
)
def test_the_posted_balance_names_the_tier(posted_nano: int, name: str, requests: int) -> None:
    tier = request_limits.tier_of(posted_nano)
    assert (tier.name, tier.requests) == (name, requests)
    assert (tier.window_s, tier.day_requests) == ((60, 200) if tier.is_free else (1, None))


def test_operators_choose_the_requests_at_once(settings: Settings) -> None:
    settings.FREE_CONCURRENCY, settings.PAID_CONCURRENCY = 3, 7
    assert request_limits.tier_of(0).concurrency == 3
    assert request_limits.tier_of(1).concurrency == 7


@pytest.mark.django_db
@pytest.mark.usefixtures("_store")
class TestWithEitherStore:
    def test_judging_counts_nothing_and_refuses_what_admission_would(self, account_id: int) -> None:
        for _ in range(20):
            request_limits.judge(account_id, account_id, FREE, UNLIMITED)
            admit(account_id)
        with pytest.raises(LimitExceeded) as judged:
            request_limits.judge(account_id, account_id, FREE, UNLIMITED)
        refused = refusal_of(account_id)
        assert (judged.value.source, str(judged.value.limit)) == (refused.source, "20")

    def test_judging_sees_the_day_the_key_and_what_runs(self, account_id: int) -> None:
        spend_the_day(account_id, 200)
        with pytest.raises(LimitExceeded) as day:
            request_limits.judge(account_id, account_id, FREE, UNLIMITED)
        other = account_id + 1
        paid, rate = Tier("paid", 5, 1, None, 1), KeyRate(1, 60)
        admit(other, paid, rate).release()
        with pytest.raises(LimitExceeded) as key:
            request_limits.judge(other, other, paid, KeyLimits(rate))
        running = admit(other, paid)
        with pytest.raises(LimitExceeded) as concurrency:
            request_limits.judge(other, other, paid, UNLIMITED)
        running.release()
        request_limits.judge(other, other, paid, UNLIMITED)
        sources = [refused.value.source for refused in (day, key, concurrency)]
        assert sources == ["account_day", "key", "concurrency"]

    def test_a_limit_apart_touches_no_other_and_takes_no_slot(self, account_id: int) -> None:
        one_at_once = Tier("paid", 5, 1, None, 1)
        for _ in range(60):
            request_limits.admit_apart(account_id, "plan")
        with pytest.raises(LimitExceeded) as refused:
            request_limits.admit_apart(account_id, "plan")
        assert refused.value.source == "plan"
        assert admit(account_id, one_at_once).remaining == 4

    def test_a_free_account_gets_twenty_and_then_hears_when(self, account_id: int) -> None:
        for remaining in range(19, -1, -1):
            admission = admit(account_id)
            assert (admission.limit, admission.remaining, admission.reset_s) == (20, remaining, 60)
            admission.release()
        refusal = refusal_of(account_id)
        assert (refusal.source, refusal.limit, refusal.remaining) == ("account_minute", 20, 0)
        assert 1 <= refusal.retry_after_s <= 60
        assert not refusal.is_hopeless
        assert counters.day_count(f"account:{account_id}", time.time_ns() // 1000) == 20

    def test_a_paid_request_asks_no_database(self, account_id: int) -> None:
        def refuse(*_: object) -> None:
            raise OperationalError("a paid request asked the database")

        with connection.execute_wrapper(refuse):
            admission = admit(account_id, request_limits.tier_of(2 * CREDIT))
        assert (admission.limit, admission.remaining, admission.reset_s) == (2, 1, 1)

    def test_who_waits_as_told_is_admitted(self, account_id: int) -> None:
        tier = request_limits.tier_of(CREDIT)
        admit(account_id, tier)
        refusal = refusal_of(account_id, tier)
        assert (refusal.source, refusal.retry_after_s) == ("account_second", 1)
        time.sleep(refusal.retry_after_s)
        admit(account_id, tier)

    def test_the_days_last_request_is_the_last(self, account_id: int) -> None:
        spend_the_day(account_id, 198)
        assert [admit(account_id).remaining for _ in range(2)] == [1, 0]
        refusal = refusal_of(account_id)
        assert (refusal.source, refusal.limit, refusal.is_hopeless) == ("account_day", 200, True)
        assert refusal.retry_after_s >= refusal.reset_s > 0
        assert refusal_of(account_id).source == "account_day"
        admit(account_id, request_limits.tier_of(5 * CREDIT))

    def test_a_full_day_uses_up_no_other_limit(self, account_id: int) -> None:
        spend_the_day(account_id, 200)
        for _ in range(30):
            assert refusal_of(account_id, rate=KeyRate(1, 60)).source == "account_day"
        RequestCount.objects.all().delete()
        paid = Tier("paid", 20, 60, None, 1)
        assert admit(account_id, paid, KeyRate(30, 60)).remaining == 19

    def test_a_key_may_be_tighter_than_its_account(self, account_id: int) -> None:
        rate = KeyRate(2, 86_400)
        for remaining in (1, 0):
            admission = admit(account_id, rate=rate)
            standing = admission.limit, admission.remaining, admission.reset_s
            assert standing == (2, remaining, 86_400)
        for _ in range(30):
            refusal = refusal_of(account_id, rate=rate)
            assert (refusal.source, refusal.limit, refusal.is_hopeless) == ("key", 2, True)
        assert admit(account_id).remaining == 17

    def test_a_slowed_key_has_a_minute_of_its_own_beside_its_rate(self, account_id: int) -> None:
        paid, rate = Tier("paid", 500, 1, None, 500), KeyRate(4, 86_400)
        for _ in range(3):
            admit(account_id, paid, rate, slowed_requests_per_minute=3)
        for _ in range(5):
            refusal = refusal_of(account_id, paid, rate, slowed_requests_per_minute=3)
            assert (refusal.source, refusal.limit) == ("key", 3)
            assert refusal.retry_after_s <= 60
            assert "/cabinet/security/" in str(refusal)
        admit(account_id, paid, rate)
        assert refusal_of(account_id, paid, rate).limit == 4
        admit(account_id, paid, key_id=account_id + 1, slowed_requests_per_minute=3)

    def test_a_key_runs_as_many_at_once_as_it_may(self, account_id: int) -> None:
        paid = Tier("paid", 500, 1, None, 5)
        first, _ = [admit(account_id, paid, concurrency=2) for _ in range(2)]
        refusal = refusal_of(account_id, paid, concurrency=2)
        assert (refusal.source, refusal.limit, refusal.is_concurrency) == ("key", 2, True)
        other, _, _ = [admit(account_id, paid, key_id=account_id + 1) for _ in range(3)]
        assert refusal_of(account_id, paid, key_id=account_id + 1).source == "concurrency"
        other.release()
        assert refusal_of(account_id, paid, concurrency=2).source == "key"
        first.release()
        first.release()
        admit(account_id, paid, concurrency=2)

    def test_a_place_given_back_is_free_again(self, account_id: int) -> None:
        tier = Tier("paid", 500, 1, None, 2)
        admission, _ = admit(account_id, tier), admit(account_id, tier)
        refusal = refusal_of(account_id, tier)
        assert (refusal.source, refusal.limit) == ("concurrency", 2)
        admission.release()
        admission.release()
        admit(account_id, tier)
        assert refusal_of(account_id, tier).source == "concurrency"

    def test_without_the_database_a_free_request_is_refused_and_not_counted(
        self, account_id: int
    ) -> None:
        def refuse(*_: object) -> None:
            raise OperationalError("away")

        tier = Tier("free", 20, 60, 200, 1)
        for _ in range(30):
            with connection.execute_wrapper(refuse), pytest.raises(LimitStoreUnavailable):
                admit(account_id, tier)
        assert admit(account_id, tier).remaining == 19

    def test_the_status_tells_what_is_left_of_the_day(self, account_id: int) -> None:
        spend_the_day(account_id, 150)
        status = request_limits.status(account_id, request_limits.tier_of(0))
        assert (status.requests, status.interval) == (20, "1m")
        assert (status.day_requests, status.day_remaining) == (200, 50)
        status = request_limits.status(account_id, request_limits.tier_of(7 * CREDIT))
        assert (status.requests, status.interval, status.day_remaining) == (7, "1s", None)


@pytest.mark.django_db
def test_a_flushed_redis_forgets_no_minute_and_no_day(
    settings: Settings, redis_url: str, redis_client: redis.Redis, account_id: int
) -> None:
    settings.REDIS_URL = redis_url
    spend_the_day(account_id, 190)
    for remaining in range(9, -1, -1):
        redis_client.flushdb()
        assert admit(account_id).remaining == remaining
    redis_client.flushdb()
    assert refusal_of(account_id).source == "account_day"
    other_id = next(_numbers)
    for _ in range(20):
        redis_client.flushdb()
        admit(other_id)
    redis_client.flushdb()
    assert refusal_of(other_id).source == "account_minute"
    assert redis_client.keys("*:account:*") == []
    assert redis_client.keys("*:leases") == []


@pytest.mark.django_db
@pytest.mark.parametrize("window_s", [60, 86_400])
def test_a_flushed_redis_forgets_nothing_of_a_keys_own_rate(
    settings: Settings, redis_url: str, redis_client: redis.Redis, account_id: int, window_s: int
) -> None:
    settings.REDIS_URL = redis_url
    paid, rate = request_limits.tier_of(100 * CREDIT), KeyRate(3, window_s)
    for remaining in (2, 1, 0):
        redis_client.flushdb()
        assert admit(account_id, paid, rate).remaining == remaining
    redis_client.flushdb()
    assert refusal_of(account_id, paid, rate).source == "key"


@pytest.mark.django_db
def test_a_flushed_redis_forgets_nothing_of_a_limit_apart(
    settings: Settings, redis_url: str, redis_client: redis.Redis
) -> None:
    settings.REDIS_URL = redis_url
    for remaining in range(9, -1, -1):
        redis_client.flushdb()
        assert request_limits.admit_stranger("192.0.2.0/24", "leaked").remaining == remaining
    redis_client.flushdb()
    with pytest.raises(LimitExceeded) as refused:
        request_limits.admit_stranger("192.0.2.0/24", "leaked")
    assert (refused.value.source, refused.value.limit) == ("leaked", 10)


@pytest.mark.django_db
@pytest.mark.usefixtures("_store")
def test_counting_tokens_has_a_limit_of_its_own_and_touches_no_other(account_id: int) -> None:
    for _ in range(300):
        request_limits.admit_apart(account_id, "count")
    with pytest.raises(LimitExceeded) as refused:
        request_limits.admit_apart(account_id, "count")

    assert (refused.value.source, refused.value.limit) == ("count", 300)
    assert 0 < refused.value.retry_after_s <= 60
    assert not refused.value.is_hopeless
    assert [admit(account_id).remaining for _ in range(20)] == list(range(19, -1, -1))
    request_limits.admit_apart(next(_numbers), "count")


@pytest.mark.django_db
@pytest.mark.usefixtures("_store")
def test_tokens_are_counted_while_no_more_requests_may_run(account_id: int) -> None:
    crowded = Tier("free", 20, 60, 200, 1)
    admit(account_id, crowded)
    assert refusal_of(account_id, crowded).source == "concurrency"

    request_limits.admit_apart(account_id, "count")
