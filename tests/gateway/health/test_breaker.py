"""The breaker's life: it opens, rests, lets one try, and closes; Redis has it in the same words."""

import contextlib
from dataclasses import replace

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.health import breaker as breakers
from gateway.health.board import Board
from gateway.health.breaker import (
    FIRST_REST_MS,
    IDLE_MS,
    LONGEST_REFUSED_MS,
    LONGEST_REST_MS,
    PROBE_MS,
    QUICK_REFUSALS,
    Breaker,
)
from gateway.health.events import Effect, Event, Kind
from gateway.health.store_redis import RedisHealth
from tests.gateway.health.notes import CREDENTIAL, LITE, PRO, ROUTE, note

NOW_MS = 1_763_800_000_000


def _after(
    breaker: Breaker,
    *effects: Effect,
    at: int = NOW_MS,
    part: str = ROUTE,
    route: str = PRO,
    probe: str = "",
    retry_after_ms: int = 0,
    asked: int = 0,
    failed: int = 0,
) -> Breaker:
    for effect in effects:
        event = Event(part, effect, route, probe, retry_after_ms)
        breaker = breakers.after(breaker, event, at, asked=asked, failed=failed)
    return breaker


def _failures(count: int) -> list[Effect]:
    return _times("bad", count)


def _times(effect: Effect, count: int) -> list[Effect]:
    return [effect] * count


def _claimed(breaker: Breaker, at: int, token: str = "t") -> Breaker:
    taken = breakers.claimed(breaker, token, at)
    assert taken is not None
    return taken


def test_five_failures_in_a_row_open_it() -> None:
    four = _after(Breaker(), *_failures(4))
    assert not four.is_open
    assert _after(four, "bad").is_out(NOW_MS)


def test_a_success_between_failures_keeps_it_closed() -> None:
    assert not _after(Breaker(), *_failures(4), "good", *_failures(4)).is_open


def test_most_requests_failing_open_it_though_some_do_not() -> None:
    assert not _after(Breaker(), "bad", asked=19, failed=19).is_open
    assert not _after(Breaker(), "bad", asked=20, failed=14).is_open
    assert _after(Breaker(), "bad", asked=20, failed=15).is_open


def test_a_credential_opens_only_when_more_than_one_route_fails() -> None:
    of_one_route = _after(Breaker(), *_failures(9), part=CREDENTIAL)
    assert not of_one_route.is_open
    assert _after(of_one_route, "bad", part=CREDENTIAL, route=LITE).is_open


def test_too_many_requests_are_no_failure() -> None:
    busy = _after(Breaker(), *_times("busy", 20), retry_after_ms=3000)
    assert not busy.is_open
    assert busy.is_busy(NOW_MS + 2999)
    assert not busy.is_busy(NOW_MS + 3000)


def test_after_its_rest_one_at_a_time_may_try() -> None:
    opened = _after(Breaker(), *_failures(5))
    assert breakers.claimed(opened, "early", NOW_MS + FIRST_REST_MS - 1) is None

    tried = _claimed(opened, NOW_MS + FIRST_REST_MS)

    assert breakers.claimed(tried, "second", NOW_MS + FIRST_REST_MS) is None
    assert tried.is_out(NOW_MS + FIRST_REST_MS)


def test_two_good_tries_close_it_and_one_does_not() -> None:
    at = NOW_MS + FIRST_REST_MS
    once = _after(_claimed(_after(Breaker(), *_failures(5)), at), "good", at=at, probe="t")
    assert once.is_open
    assert not once.is_out(at)

    twice = _after(_claimed(once, at), "good", at=at, probe="t")

    assert not twice.is_open
    assert twice.failures == 0


def test_a_bad_try_doubles_the_rest_up_to_a_minute() -> None:
    breaker, at, rests = _after(Breaker(), *_failures(5)), NOW_MS, []
    for _ in range(8):
        rests.append(breaker.rest_ms(at))
        at += breaker.rest_ms(at)
        breaker = _after(_claimed(breaker, at), "bad", at=at, probe="t")

    assert rests[:3] == [FIRST_REST_MS, 2 * FIRST_REST_MS, 4 * FIRST_REST_MS]
    assert rests[-1] == LONGEST_REST_MS


def test_who_asked_before_it_opened_says_nothing_of_it_any_more() -> None:
    opened = _after(Breaker(), *_failures(5))

    late = _after(opened, "bad", "good", "refuse", at=NOW_MS + 10)

    assert late.open_until_ms == opened.open_until_ms


def test_a_probe_that_was_taken_over_cannot_end_the_other_one() -> None:
    at = NOW_MS + FIRST_REST_MS
    first = _claimed(_after(Breaker(), *_failures(5)), at, "first")
    second = _claimed(first, at + PROBE_MS, "second")

    assert _after(second, "good", at=at + PROBE_MS, probe="first").probe == "second"


def test_a_probe_that_nobody_renews_comes_back() -> None:
    at = NOW_MS + FIRST_REST_MS
    taken = _claimed(_after(Breaker(), *_failures(5)), at)
    renewed = breakers.renewed(taken, "t", at + PROBE_MS - 1)

    assert not taken.is_out(at + PROBE_MS)
    assert renewed.is_out(at + PROBE_MS)
    assert breakers.renewed(taken, "another's", at + 1) == taken


def test_a_refused_credential_is_tried_by_one_at_a_time_and_then_rests_longer_and_longer() -> None:
    breaker, at, rests = Breaker(), NOW_MS, []
    for _ in range(16):
        breaker = _after(breaker, "refuse", at=at, part=CREDENTIAL, probe=breaker.probe)
        rests.append(breaker.rest_ms(at))
        at += breaker.rest_ms(at)
        breaker = _claimed(breaker, at)
        assert breaker.is_out(at)

    assert rests[:QUICK_REFUSALS] == [0] * QUICK_REFUSALS
    assert rests[QUICK_REFUSALS : QUICK_REFUSALS + 3] == [1000, 2000, 4000]
    assert rests[-1] == LONGEST_REFUSED_MS


def test_two_failures_in_a_row_make_it_shaky_for_half_a_minute() -> None:
    shaky = _after(Breaker(), "bad", "bad")
    assert shaky.is_shaky(NOW_MS + 29_999)
    assert not shaky.is_shaky(NOW_MS + 30_000)
    assert not _after(shaky, "good").is_shaky(NOW_MS)


class FrozenBoard(Board):
    """A board whose clock stands where the test puts it."""

    def __init__(self) -> None:
        super().__init__()
        self.at = NOW_MS

    def now_ms(self) -> int:
        return self.at


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["finished", "failed", "failed", "failed", "refused", "busy", "rejected", "missing"]
        ),
        st.sampled_from([PRO, PRO, PRO, LITE]),
        st.sampled_from([0, 1, 400, 5_000, 31_000, IDLE_MS + 1]),
        st.booleans(),
    ),
    min_size=1,
    max_size=40,
)
"""What came of a request, of which route, after how long, and whether it was a probe where one was due."""


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_redis_and_this_process_agree_after_every_step(
    redis_url: str, redis_client: redis.Redis, steps: list[tuple[Kind, str, int, bool]]
) -> None:
    redis_client.flushdb()
    with contextlib.closing(RedisHealth(redis_url)) as store:
        _expect_agreement(store, steps)


def _expect_agreement(store: RedisHealth, steps: list[tuple[Kind, str, int, bool]]) -> None:
    board = FrozenBoard()
    for number, (kind, upstream_id, pause_ms, wants_probe) in enumerate(steps):
        board.at += pause_ms
        parts, token = [CREDENTIAL, f"r/gigachat/{upstream_id}"], f"t{number}"
        wanted = [part for part in parts if board.breaker(part).is_open] if wants_probe else []
        is_granted = board.claim(wanted, token)
        shared = store.exchange(wanted=wanted, token=token, now_ms=board.at)
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
        board.apply(ended)
        shared = store.exchange([ended], now_ms=board.at)

        for part in parts:
            known = shared.breakers.get(part, Breaker())
            known = Breaker() if known.is_idle(board.at) else known
            assert replace(known, touched_ms=0) == replace(board.breaker(part), touched_ms=0)
    copy = FrozenBoard()
    copy.at = board.at
    copy.load(board.at, shared.breakers, shared.windows)
    for part in (CREDENTIAL, ROUTE, "r/gigachat/GigaChat-2", "p/gigachat"):
        assert copy.measured(part) == board.measured(part)


@pytest.mark.parametrize("kind", ["answered", "abandoned"])
def test_what_says_nothing_of_a_provider_changes_no_breaker(kind: Kind) -> None:
    board = FrozenBoard()
    board.apply(note(kind))
    assert board.breaker(ROUTE) in (Breaker(), Breaker(touched_ms=NOW_MS))
