"""The limits that processes share: exact on a real Valkey, from real processes."""

import contextlib
import time

import pytest
import redis

from billing.limits.memory_store import MemoryLimitStore
from billing.limits.redis_store import RedisLimitStore
from billing.limits.slot_heartbeat import SlotHeartbeat
from billing.limits.store import LimitCheck, LimitDenied
from tests.billing.limit_callers import CREDITS, GOAL
from tests.billing.limit_checks import free_demand, most_in_any_window, paid_demand
from tests.billing.limit_processes import HANG_S, callers, stamps_of


@pytest.fixture
def store(redis_url: str) -> RedisLimitStore:
    return RedisLimitStore(redis_url)


def refusal_of(store: RedisLimitStore, check: LimitCheck) -> LimitDenied:
    with pytest.raises(LimitDenied) as refused:
        store.admit(check)
    return refused.value


def test_of_two_hundred_free_requests_at_once_twenty_are_admitted(redis_url: str) -> None:
    with callers(2, "free", 100, redis_url) as running:
        assert len(stamps_of(running)) == 20


def test_no_second_holds_more_paid_requests_than_credits(redis_url: str) -> None:
    with callers(2, "paid", 8, redis_url) as running:
        stamps = stamps_of(running)
    assert len(stamps) >= GOAL
    assert most_in_any_window(stamps, 1) == CREDITS


def test_counting_by_the_seconds_of_the_clock_would_admit_more(
    redis_url: str, redis_client: redis.Redis
) -> None:
    with callers(1, "naive", 16, redis_url) as running:
        while not 400_000 < redis_client.time()[1] < 600_000:
            time.sleep(0.01)
        stamps = stamps_of(running)
    assert most_in_any_window(stamps, 1) > CREDITS


def test_who_waits_as_told_is_admitted(store: RedisLimitStore) -> None:
    for _ in range(5):
        store.admit(paid_demand(1, 5, key=(6, 2)))
    refusal = refusal_of(store, paid_demand(1, 5, key=(6, 2)))
    assert refusal.source == "account_second"
    assert 0 < refusal.wait_s <= refusal.reset_s <= 1
    time.sleep(refusal.wait_s)
    assert store.admit(paid_demand(1, 5, key=(6, 2))).used <= 5
    refusal = refusal_of(store, paid_demand(1, 5, key=(6, 2)))
    assert refusal.source == "key"
    time.sleep(refusal.wait_s)
    store.admit(paid_demand(1, 5, key=(6, 2)))


def test_a_changed_limit_is_still_one_budget(store: RedisLimitStore) -> None:
    stamps = []
    for call in range(300):
        requests = 100 if call % 2 else 99
        with contextlib.suppress(LimitDenied):
            stamps.append(store.admit(paid_demand(1, requests)).stamp_us)
    assert len(stamps) >= 100
    assert most_in_any_window(stamps, 1) <= 100
    keyed = 0
    for call in range(300):
        with contextlib.suppress(LimitDenied):
            store.admit(paid_demand(2, 500, key=(100 if call % 2 else 99, 60)))
            keyed += 1
    assert keyed == 100


def test_refused_requests_use_up_no_other_limit(store: RedisLimitStore) -> None:
    for _ in range(2):
        store.admit(free_demand(1, key=(2, 60)))
    for _ in range(50):
        assert refusal_of(store, free_demand(1, key=(2, 60))).source == "key"
    for used in range(3, 21):
        assert store.admit(free_demand(1)).used == used
    for _ in range(50):
        assert refusal_of(store, free_demand(1)).source == "account_minute"
    assert len(store._client.zrange("xr:limits:{1}:leases", 0, -1)) == 20


def test_requests_at_once_are_limited_until_one_ends(store: RedisLimitStore) -> None:
    demands = [free_demand(1, concurrency=2) for _ in range(2)]
    for demand in demands:
        store.admit(demand)
    assert refusal_of(store, free_demand(1, concurrency=2)).source == "concurrency"
    store.release(1, demands[0].lease_id)
    store.release(1, demands[0].lease_id)
    store.admit(free_demand(1, concurrency=2))
    assert refusal_of(store, free_demand(1, concurrency=2)).source == "concurrency"


def test_a_withdrawn_request_was_never_counted(store: RedisLimitStore) -> None:
    for _ in range(30):
        demand = free_demand(1, key=(1, 60), concurrency=1)
        store.withdraw(demand, store.admit(demand))
    assert store.admit(free_demand(1, key=(1, 60), concurrency=1)).used == 1


def test_a_full_day_refuses_before_the_minute_does(store: RedisLimitStore) -> None:
    store.mark_day_exhausted(1, 200, 1000)
    refusal = refusal_of(store, free_demand(1))
    assert refusal.source == "account_day"
    assert 900 < refusal.wait_s <= 1000
    store.admit(paid_demand(1, 1))


def test_leases_of_a_dead_process_come_back(redis_url: str, store: RedisLimitStore) -> None:
    with callers(1, "leases", 1, redis_url) as running:
        assert refusal_of(store, free_demand(1, concurrency=3)).source == "concurrency"
        running[0].kill()
        deadline = time.monotonic() + HANG_S
        while time.monotonic() < deadline:
            with contextlib.suppress(LimitDenied):
                store.admit(free_demand(1, concurrency=1))
                return
            time.sleep(0.1)
    pytest.fail("the leases never lapsed")


def test_leases_of_running_requests_are_renewed_even_after_a_flush(
    redis_url: str, store: RedisLimitStore
) -> None:
    requests = MemoryLimitStore()
    renewal = SlotHeartbeat(store, requests)
    demands = [free_demand(1, concurrency=2) for _ in range(2)]
    for demand in demands:
        store.admit(demand)
        requests.note(demand)
    store._client.flushdb()
    renewal.renew()
    assert refusal_of(store, free_demand(1, concurrency=2)).source == "concurrency"
    for demand in demands:
        requests.release(1, demand.lease_id)
        store.release(1, demand.lease_id)
    renewal.renew()
    store.admit(free_demand(1, concurrency=1))


def test_the_leases_of_a_key_with_its_own_limit_are_renewed_too(
    redis_url: str, store: RedisLimitStore
) -> None:
    def demand() -> LimitCheck:
        return free_demand(1)._replace(key_id=7, key_concurrency=2)

    requests = MemoryLimitStore()
    renewal = SlotHeartbeat(store, requests)
    running = [demand() for _ in range(2)]
    for check in running:
        store.admit(check)
        requests.note(check)
    store._client.flushdb()
    renewal.renew()
    assert refusal_of(store, demand()).source == "key_concurrency"
    store.admit(free_demand(1))
    for check in running:
        requests.release(1, check.lease_id)
        store.release(1, check.lease_id, 7)
    renewal.renew()
    store.admit(demand())


def test_a_renewing_process_outlives_the_first_life_of_its_leases(redis_url: str) -> None:
    store = RedisLimitStore(redis_url, lease_s=0.6)
    requests = MemoryLimitStore()
    demand = free_demand(1, concurrency=1)
    store.admit(demand)
    requests.note(demand)
    SlotHeartbeat(store, requests).ensure_running()
    time.sleep(1.5)
    assert refusal_of(store, free_demand(1, concurrency=1)).source == "concurrency"
    requests.release(1, demand.lease_id)


def test_logs_are_bounded_and_expire(store: RedisLimitStore) -> None:
    for _ in range(600):
        with contextlib.suppress(LimitDenied):
            store.admit(paid_demand(1, 500, key=(600, 60)))
    log = "xr:limits:{1}:account:1"
    assert store._client.llen(log) <= 500
    assert 0 < store._client.pttl(log) <= 60_000
    assert 0 < store._client.pttl("xr:limits:{1}:key:1") <= 86_400_000


def test_a_clock_set_back_neither_locks_nor_opens(store: RedisLimitStore) -> None:
    seconds = store._client.time()[0]
    log = "xr:limits:{1}:account:1"
    store._client.rpush(log, *[(seconds + 300) * 1_000_000] * 20)
    for _ in range(20):
        store.admit(free_demand(1))
    assert refusal_of(store, free_demand(1)).wait_s <= 60
