"""The limits of one process, on clocks that the tests turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.limits.memory_store import LEASE_MAX_S, MemoryLimitStore
from billing.limits.store import LimitCheck, LimitDenied
from tests.billing.limit_checks import free_demand, most_in_any_window, paid_demand

SECOND = 1_000_000


class Clock:
    """Two clocks that move together, the process's own in microseconds and the Unix one."""

    def __init__(self) -> None:
        self.us = 10**9

    def __call__(self) -> int:
        return self.us

    def unix_s(self) -> float:
        return 1_790_000_000 + self.us / SECOND


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> MemoryLimitStore:
    return MemoryLimitStore(clock, clock.unix_s)


def refusal_of(store: MemoryLimitStore, check: LimitCheck) -> LimitDenied:
    with pytest.raises(LimitDenied) as refused:
        store.admit(check)
    return refused.value


def test_a_free_account_gets_twenty_in_any_minute(store: MemoryLimitStore, clock: Clock) -> None:
    for second in range(20):
        assert store.admit(free_demand(1)).used == second + 1
        clock.us += SECOND
    refusal = refusal_of(store, free_demand(1))
    assert (refusal.source, refusal.wait_s, refusal.reset_s) == ("account_minute", 40, 59)
    clock.us += 40 * SECOND - 1
    refusal_of(store, free_demand(1))
    clock.us += 1
    assert store.admit(free_demand(1)).used == 20
    assert refusal_of(store, free_demand(1)).wait_s == 1


def test_accounts_do_not_share(store: MemoryLimitStore) -> None:
    for account_id in range(1, 4):
        for _ in range(20):
            store.admit(free_demand(account_id))


def test_a_changed_limit_is_still_one_budget(store: MemoryLimitStore) -> None:
    for credit in range(99):
        store.admit(paid_demand(1, 100 if credit % 2 else 99))
    refusal_of(store, paid_demand(1, 99))
    store.admit(paid_demand(1, 100))
    for credits_left in (100, 99, 100, 99, 20):
        refusal_of(store, paid_demand(1, credits_left))


def test_a_change_of_tier_is_still_one_budget(store: MemoryLimitStore, clock: Clock) -> None:
    for _ in range(20):
        store.admit(free_demand(1))
    clock.us += 2 * SECOND
    for _ in range(3):
        store.admit(paid_demand(1, 3))
    refusal_of(store, paid_demand(1, 3))
    refusal = refusal_of(store, free_demand(1))
    assert (refusal.wait_s, refusal.reset_s) == (58, 60)


@given(
    st.lists(
        st.tuples(
            st.integers(0, SECOND // 2),
            st.sampled_from([1, 2, 3, 7]),
            st.sampled_from([None, (1, 1), (2, 3)]),
        ),
        max_size=60,
    )
)
def test_exactly_what_fits_is_admitted(
    steps: list[tuple[int, int, tuple[int, int] | None]],
) -> None:
    clock = Clock()
    store = MemoryLimitStore(clock, clock.unix_s)
    admitted: list[int] = []
    admitted_by_key: list[int] = []
    for pause_us, requests, key in steps:
        clock.us += pause_us
        fits = sum(clock.us - stamp < SECOND for stamp in admitted) < requests
        if key:
            in_window = sum(clock.us - stamp < key[1] * SECOND for stamp in admitted_by_key)
            fits = fits and in_window < key[0]
        if fits:
            store.admit(paid_demand(1, requests, key=key))
            admitted.append(clock.us)
            admitted_by_key += [clock.us] if key else []
        else:
            refusal_of(store, paid_demand(1, requests, key=key))
    assert most_in_any_window(admitted, 1) <= 7


def test_a_keys_tighter_rate_leaves_the_rest_to_the_account(store: MemoryLimitStore) -> None:
    for _ in range(2):
        store.admit(free_demand(1, key=(2, 60)))
    for _ in range(50):
        assert refusal_of(store, free_demand(1, key=(2, 60))).source == "key"
    for used in range(3, 21):
        assert store.admit(free_demand(1)).used == used


def test_an_account_at_its_limit_uses_up_no_key(store: MemoryLimitStore, clock: Clock) -> None:
    store.admit(paid_demand(1, 1))
    for _ in range(50):
        assert refusal_of(store, paid_demand(1, 1, key=(1, 60))).source == "account_second"
    clock.us += SECOND
    store.admit(paid_demand(1, 1, key=(1, 60)))


def test_the_limit_that_lasts_longest_is_named(store: MemoryLimitStore) -> None:
    store.admit(paid_demand(1, 1, key=(1, 86_400), concurrency=1))
    refusal = refusal_of(store, paid_demand(1, 1, key=(1, 86_400), concurrency=1))
    assert (refusal.source, refusal.wait_s) == ("key", 86_400)


def test_requests_at_once_are_limited_until_one_ends(store: MemoryLimitStore) -> None:
    running = [paid_demand(1, 500, concurrency=2) for _ in range(2)]
    for demand in running:
        store.admit(demand)
    for _ in range(20):
        assert refusal_of(store, paid_demand(1, 500, concurrency=2)).source == "concurrency"
    assert store.release(1, running[0].lease_id)
    assert not store.release(1, running[0].lease_id)
    assert store.admit(paid_demand(1, 500, concurrency=2)).used == 3


def test_a_withdrawn_request_was_never_counted(store: MemoryLimitStore) -> None:
    for _ in range(30):
        demand = free_demand(1, key=(1, 60), concurrency=1)
        store.withdraw(demand, store.admit(demand))
    assert store.running() == {}


def test_a_request_that_another_store_admitted_counts_here_too(store: MemoryLimitStore) -> None:
    for _ in range(20):
        store.note(free_demand(1))
    assert len(store.running()[1]) == 20
    assert refusal_of(store, free_demand(1)).source == "account_minute"


def test_a_full_day_refuses_until_midnight(store: MemoryLimitStore, clock: Clock) -> None:
    store.mark_day_exhausted(1, 200, 100)
    refusal = refusal_of(store, free_demand(1))
    assert (refusal.source, refusal.wait_s) == ("account_day", 100)
    store.admit(paid_demand(1, 1))
    clock.us += 100 * SECOND
    store.admit(free_demand(1))


def test_lost_leases_and_old_logs_are_forgotten(store: MemoryLimitStore, clock: Clock) -> None:
    for account_id in range(10):
        store.admit(free_demand(account_id))
    clock.us += (LEASE_MAX_S + 1) * SECOND
    assert store.running() == {}
    assert not store._logs


def test_a_share_is_rounded_down_and_too_small_a_one_goes_to_the_database() -> None:
    share = paid_demand(1, 10, key=(3, 60), concurrency=6).share(4)
    assert (share.account.allowed, share.account.in_database) == (2, False)
    assert share.key is not None
    assert (share.key.allowed, share.key.in_database) == (3, True)
    assert share.concurrency == 1
    assert free_demand(1, concurrency=3, in_database=True).share(4).account.allowed == 20
