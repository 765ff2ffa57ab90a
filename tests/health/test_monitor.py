"""What a process knows of the providers: from its own requests, from the others', and while Redis is away."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import orjson
import pytest
import redis

from gateway.health.breaker import FAILURES_TO_OPEN
from gateway.health.monitor import CircuitOpen, Monitor
from gateway.health.store_redis import BREAKERS, RedisHealth
from tests.health.notes import CREDENTIAL, GIGACHAT, LITE, PRO, ROUTE, note

CLAIM_AND_WAIT = """
import sys, time
from gateway.health.store_redis import RedisHealth
shared = RedisHealth(sys.argv[1]).exchange(wanted=[sys.argv[2]], token="of the killed one")
print(shared.is_granted, shared.breakers[sys.argv[2]].probe_until_ms, flush=True)
time.sleep(60)
"""


@pytest.fixture
def alone() -> Monitor:
    return Monitor(None)


@pytest.fixture
def store(redis_url: str) -> Iterator[RedisHealth]:
    with contextlib.closing(RedisHealth(redis_url)) as opened:
        yield opened


@pytest.fixture
def pair(redis_url: str) -> Iterator[tuple[Monitor, Monitor]]:
    """Yield the monitors of two processes that share a Redis."""
    both = Monitor(RedisHealth(redis_url)), Monitor(RedisHealth(redis_url))
    yield both
    for item in both:
        item.stop()


def _open(watched: Monitor, upstream_id: str = PRO) -> None:
    for _ in range(FAILURES_TO_OPEN):
        watched.note(note("failed", upstream_id))


def _rest_is_over(client: redis.Redis, part: str = ROUTE) -> None:
    """Turn a part's rest back, as if it had passed."""
    text = client.hget(BREAKERS, part)
    assert isinstance(text, bytes)
    client.hset(BREAKERS, part, orjson.dumps(orjson.loads(text) | {"open_until_ms": 1}))


def _wait_until(condition: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up_s, "It did not come to pass."
        time.sleep(0.01)


def test_a_route_that_fails_is_out_and_another_is_not(alone: Monitor) -> None:
    _open(alone)

    assert alone.route(GIGACHAT, PRO).is_out
    assert not alone.route(GIGACHAT, LITE).is_out
    with pytest.raises(CircuitOpen) as refusal:
        alone.enter(GIGACHAT, "one", PRO)
    assert 0 < refusal.value.rest_ms <= 5000


def test_a_refused_credential_is_blocked_while_somebody_tries_it(alone: Monitor) -> None:
    alone.note(note("refused"))
    probes = alone.enter(GIGACHAT, "one", PRO)

    assert alone.blocked_credentials(GIGACHAT) == {"one"}
    assert alone.blocked_credentials("yandexgpt") == frozenset()
    with pytest.raises(CircuitOpen):
        alone.enter(GIGACHAT, "one", LITE)

    alone.note(note("answered", probes=probes))
    assert alone.blocked_credentials(GIGACHAT) == frozenset()
    alone.note(note("answered", probes=alone.enter(GIGACHAT, "one", PRO)))
    assert alone.enter(GIGACHAT, "one", PRO) == ()


def test_a_model_that_is_not_paid_for_blocks_neither_its_credential_nor_other_models(
    alone: Monitor,
) -> None:
    for _ in range(20):
        alone.note(note("unpaid"))

    assert alone.blocked_credentials(GIGACHAT) == frozenset()
    assert alone.enter(GIGACHAT, "one", LITE) == ()


def test_a_credential_refused_again_and_again_is_left_alone_and_its_provider_has_none(
    alone: Monitor,
) -> None:
    for _ in range(5):
        probes = alone.enter(GIGACHAT, "one", PRO) if alone.blocked_credentials(GIGACHAT) else ()
        alone.note(note("refused", probes=probes or alone.enter(GIGACHAT, "one", PRO)))

    assert alone.blocked_credentials(GIGACHAT) == {"one"}
    assert not alone.route(GIGACHAT, PRO).has_credentials
    alone.note(note("finished", credential="two"))
    assert alone.route(GIGACHAT, PRO).has_credentials


def test_what_callers_make_the_sandbox_do_opens_nothing(alone: Monitor) -> None:
    for _ in range(20):
        alone.note(note("failed", is_counted=False))

    assert not alone.route(GIGACHAT, PRO).is_out
    assert alone.status([GIGACHAT])[0].success_rate == 0


def test_busy_providers_are_weak_and_not_out(alone: Monitor) -> None:
    alone.note(note("busy", retry_after_ms=5000))

    state = alone.route(GIGACHAT, PRO)
    assert state.is_busy
    assert state.is_weak
    assert not state.is_out


def test_the_other_process_knows_of_an_opened_route(pair: tuple[Monitor, Monitor]) -> None:
    here, there = pair
    there.route(GIGACHAT, PRO)

    _open(here)

    _wait_until(lambda: there.route(GIGACHAT, PRO).is_out)


def test_failures_of_two_processes_add_up(pair: tuple[Monitor, Monitor]) -> None:
    here, there = pair
    for item in (here, there, here, there, here):
        item.note(note("failed"))
        item.exchange()

    there.exchange()
    assert here.route(GIGACHAT, PRO).is_out
    assert there.route(GIGACHAT, PRO).is_out


def test_of_all_processes_one_tries(
    pair: tuple[Monitor, Monitor], redis_client: redis.Redis
) -> None:
    here, there = pair
    _open(here)
    here.exchange()
    _rest_is_over(redis_client)
    here.exchange()
    there.exchange()

    probes = here.enter(GIGACHAT, "one", PRO)
    with pytest.raises(CircuitOpen):
        there.enter(GIGACHAT, "one", PRO)
    with pytest.raises(CircuitOpen):
        here.enter(GIGACHAT, "one", PRO)

    here.note(note("answered", probes=probes))
    here.exchange()
    there.exchange()
    there.note(note("answered", probes=there.enter(GIGACHAT, "one", PRO)))
    there.exchange()
    here.exchange()
    assert (here.enter(GIGACHAT, "one", PRO), there.enter(GIGACHAT, "one", PRO)) == ((), ())


def test_a_try_that_was_given_up_leaves_it_to_the_next(alone: Monitor) -> None:
    alone.note(note("refused"))

    alone.note(note("abandoned", probes=alone.enter(GIGACHAT, "one", PRO)))

    assert alone.enter(GIGACHAT, "one", PRO) != ()


def test_the_try_of_a_killed_process_comes_back_in_its_time(
    redis_url: str, store: RedisHealth
) -> None:
    store.exchange([note("refused")])
    with subprocess.Popen(
        [sys.executable, "-c", CLAIM_AND_WAIT, redis_url, CREDENTIAL],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        is_granted, until_ms = process.stdout.readline().split()
        process.send_signal(signal.SIGKILL)
    assert is_granted == "True"

    def granted(at_ms: int) -> bool:
        return store.exchange(wanted=[CREDENTIAL], token="next", now_ms=at_ms).is_granted

    assert not granted(int(until_ms) - 1)
    assert granted(int(until_ms))


def test_a_long_try_is_renewed_by_its_process(
    pair: tuple[Monitor, Monitor], store: RedisHealth
) -> None:
    here, _ = pair
    here.note(note("refused"))
    here.exchange()
    probes = here.enter(GIGACHAT, "one", PRO)
    until_ms = store.exchange().breakers[CREDENTIAL].probe_until_ms

    _wait_until(lambda: store.exchange().breakers[CREDENTIAL].probe_until_ms > until_ms)

    here.note(note("abandoned", probes=probes))
    here.exchange()
    assert store.exchange().breakers[CREDENTIAL].probe == ""


def test_without_redis_each_process_goes_by_what_it_knows() -> None:
    cut_off = Monitor(RedisHealth("redis://127.0.0.1:1/0"))

    _open(cut_off)

    assert cut_off.route(GIGACHAT, PRO).is_out
    assert not cut_off.route(GIGACHAT, LITE).is_out
    cut_off.note(note("refused", LITE))
    assert len(cut_off.enter(GIGACHAT, "one", LITE)) == 1
    with pytest.raises(CircuitOpen):
        cut_off.enter(GIGACHAT, "one", LITE)
    cut_off.stop()


def test_what_others_measured_is_measured_here(pair: tuple[Monitor, Monitor]) -> None:
    here, there = pair
    for _ in range(3):
        here.note(note(first_ms=1000, tokens=50, spoken_ms=500, is_streamed=True))
    here.exchange()
    there.exchange()

    found = there.measured(GIGACHAT, PRO)

    assert (found.asked, found.failed, found.tokens_per_s) == (3, 0, 100)
    assert found.first_token_ms == pytest.approx(1000, rel=0.1)
    assert there.measured(GIGACHAT, LITE).first_token_ms is None
