"""What processes note together: nothing is lost, one of them tries, and all know what one would know."""

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.health.breaker import IDLE_MS, Breaker
from gateway.health.events import Kind
from gateway.health.health_state import HealthState
from gateway.health.store_redis import BREAKERS, LOCK_MS, RedisHealth
from tests.health.notes import CREDENTIAL, LITE, PRO, ROUTE, note
from tests.servers import valkey

LOCK = f"{BREAKERS}:lock"
NOW_MS = 1_763_800_000_000
PROCESSES = 6

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("finished", "failed", "failed", "failed", "refused", "busy", "rejected"),
                *("missing", "unpaid"),
            ]
        ),
        st.sampled_from([PRO, PRO, PRO, LITE]),
        st.sampled_from([0, 1, 400, 5_000, 31_000, IDLE_MS + 1]),
        st.booleans(),
    ),
    min_size=1,
    max_size=40,
)
"""What came of a request, of which route, after how long, and whether it was a probe where one was due."""


@pytest.fixture
def stores(redis_url: str) -> Iterator[list[RedisHealth]]:
    """Yield what as many processes have of the same Redis."""
    with contextlib.ExitStack() as opened:
        yield [
            opened.enter_context(contextlib.closing(RedisHealth(redis_url)))
            for _ in range(PROCESSES)
        ]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_processes_know_together_what_one_that_saw_everything_would_know(
    stores: list[RedisHealth], redis_client: redis.Redis, steps: list[tuple[Kind, str, int, bool]]
) -> None:
    redis_client.flushdb()
    turns = itertools.cycle(stores)
    at_ms = NOW_MS
    state = HealthState(clock_ms=lambda: at_ms)
    for number, (kind, upstream_id, pause_ms, wants_probe) in enumerate(steps):
        at_ms += pause_ms
        parts, token = [CREDENTIAL, f"r/gigachat/{upstream_id}"], f"t{number}"
        wanted = [part for part in parts if state.breaker(part).is_open] if wants_probe else []
        is_granted = state.claim(wanted, token)
        shared = next(turns).exchange(wanted=wanted, token=token, now_ms=at_ms)
        assert shared.is_granted == is_granted

        probes = tuple((part, token) for part in wanted) if is_granted else ()
        ended = note(
            kind,
            upstream_id,
            probes=probes,
            retry_after_ms=700,
            first_ms=120,
            tokens=7,
            spoken_ms=90,
        )
        state.apply(ended)
        shared = next(turns).exchange([ended], now_ms=at_ms)

        for part in parts:
            known = shared.breakers.get(part, Breaker())
            known = Breaker() if known.is_idle(at_ms) else known
            assert replace(known, touched_ms=0) == replace(state.breaker(part), touched_ms=0)
    copy = HealthState(clock_ms=lambda: at_ms)
    copy.load(at_ms, shared.breakers, shared.windows)
    for part in (CREDENTIAL, ROUTE, "r/gigachat/GigaChat-2", "p/gigachat"):
        assert copy.measured(part) == state.measured(part)


def _at_once(stores: list[RedisHealth], ask: Callable[[RedisHealth], Any]) -> list[Any]:
    barrier = threading.Barrier(len(stores))

    def run(store: RedisHealth) -> Any:
        barrier.wait()
        return ask(store)

    with ThreadPoolExecutor(len(stores)) as pool:
        return list(pool.map(run, stores))


def test_no_failure_is_lost_where_all_note_theirs_at_once(stores: list[RedisHealth]) -> None:
    each = 10

    def fail(store: RedisHealth) -> None:
        for _ in range(each):
            store.exchange([note("failed")])

    _at_once(stores, fail)

    shared = stores[0].exchange()
    assert shared.breakers[CREDENTIAL].failures == PROCESSES * each
    assert sum(parts[ROUTE]["bad"] for parts in shared.windows.values()) == PROCESSES * each


def test_of_all_who_want_a_probe_at_once_one_gets_it(stores: list[RedisHealth]) -> None:
    for _ in range(5):
        stores[0].exchange([note("refused")])

        granted = _at_once(
            stores,
            lambda store: store.exchange(wanted=[CREDENTIAL], token=str(id(store))).is_granted,
        )

        assert granted.count(True) == 1
        probe = stores[0].exchange().breakers[CREDENTIAL].probe
        stores[0].exchange([note("finished", probes=((CREDENTIAL, probe),))])


def test_of_two_probes_that_one_request_needs_it_gets_both_or_none(
    stores: list[RedisHealth],
) -> None:
    stores[0].exchange([note("refused", LITE)])
    stores[0].exchange([note("failed")] * 5)
    open_at_ms = stores[0].exchange().breakers[ROUTE].open_until_ms

    early = stores[1].exchange(wanted=[CREDENTIAL, ROUTE], token="early", now_ms=open_at_ms - 1)

    assert not early.is_granted
    assert early.breakers[CREDENTIAL].probe == ""
    due = stores[1].exchange(wanted=[CREDENTIAL, ROUTE], token="due", now_ms=open_at_ms)
    assert due.is_granted
    assert {due.breakers[part].probe for part in (CREDENTIAL, ROUTE)} == {"due"}


def test_who_lost_the_lock_before_writing_computes_again(
    stores: list[RedisHealth], redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, calls = stores[0]._call, 0

    def delayed(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:  # it has read under the lock, and has not written
            redis_client.delete(LOCK)
            stores[1].exchange([note("failed")])
        return call(*arguments, **more)

    monkeypatch.setattr(stores[0], "_call", delayed)

    shared = stores[0].exchange([note("failed")])

    assert shared.breakers[CREDENTIAL].failures == 2


def test_the_lock_of_a_process_that_died_lapses(
    stores: list[RedisHealth], redis_client: redis.Redis
) -> None:
    stores[0]._call(None, writer="of the dead one")
    assert 0 < redis_client.pttl(LOCK) <= LOCK_MS

    shared = stores[1].exchange([note("failed")])

    assert shared.breakers[CREDENTIAL].failures == 1
    assert not redis_client.exists(LOCK)


def test_who_only_reads_or_changes_nothing_waits_for_no_lock(
    stores: list[RedisHealth], redis_client: redis.Redis
) -> None:
    stores[0].exchange([note()])
    redis_client.set(LOCK, "another's")

    shared = stores[0].exchange([note()])

    assert sum(parts[ROUTE]["ok"] for parts in shared.windows.values()) == 2


def test_nothing_new_costs_one_round_trip_and_news_cost_three() -> None:
    with (
        valkey() as url,  # of its own: whoever else asks the tests' one is counted there too
        redis.Redis.from_url(url) as client,
        contextlib.closing(RedisHealth(url)) as store,
    ):
        store.exchange([note("failed")])

        def calls() -> int:
            return int(client.info("commandstats")["cmdstat_evalsha"]["calls"])

        before = calls()
        store.exchange()
        assert calls() - before == 1
        store.exchange([note("failed")])
        assert calls() - before == 4


def test_the_good_answers_of_healthy_routes_and_late_failures_of_open_ones_write_nothing(
    stores: list[RedisHealth], redis_client: redis.Redis
) -> None:
    stores[0].exchange([note()])
    stores[0].exchange([note("failed", LITE)] * 5)
    at_ms = stores[0].exchange().now_ms
    before = redis_client.hgetall(BREAKERS)

    stores[0].exchange([note()], now_ms=at_ms + 100)
    route = f"r/gigachat/{LITE}".encode()
    stores[0].exchange([note("failed", LITE)], now_ms=at_ms + 200)

    after = redis_client.hgetall(BREAKERS)
    assert after[ROUTE.encode()] == before[ROUTE.encode()]
    assert after[route] == before[route]


def test_a_part_in_use_is_not_forgotten(stores: list[RedisHealth]) -> None:
    for minute in range(20):
        shared = stores[0].exchange([note()], now_ms=NOW_MS + minute * 60_000)
    assert not shared.breakers[ROUTE].is_idle(shared.now_ms + IDLE_MS - 60_000)
