"""The breaker's life: it opens, rests, lets one try, and closes."""

import pytest

from gateway.health import breaker as breakers
from gateway.health.breaker import (
    FIRST_REST_MS,
    LONGEST_REFUSED_MS,
    LONGEST_REST_MS,
    PROBE_MS,
    QUICK_REFUSALS,
    Breaker,
)
from gateway.health.events import Effect, HealthEvent, Kind
from gateway.health.health_state import HealthState
from tests.health.notes import CREDENTIAL, LITE, PRO, ROUTE, note

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
        event = HealthEvent(part, effect, route, probe, retry_after_ms)
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
    renewed = breakers.renewed(taken, at + PROBE_MS - 1)

    assert not taken.is_out(at + PROBE_MS)
    assert renewed.is_out(at + PROBE_MS)


def test_a_probe_that_was_taken_over_is_not_renewed_for_who_had_it_first() -> None:
    state = HealthState(clock_ms=lambda: NOW_MS)
    state.apply(note("refused"))
    assert state.claim([CREDENTIAL], "second")
    before = state.breaker(CREDENTIAL)

    state.renew([(CREDENTIAL, "first"), ("c/gigachat/unknown", "first")])

    assert state.breaker(CREDENTIAL) is before
    assert state.breakers("c/gigachat/unknown", state.now_ms()) == {}


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


def test_two_failures_in_a_row_make_it_degraded_for_half_a_minute() -> None:
    degraded = _after(Breaker(), "bad", "bad")
    assert degraded.is_degraded(NOW_MS + 29_999)
    assert not degraded.is_degraded(NOW_MS + 30_000)
    assert not _after(degraded, "good").is_degraded(NOW_MS)


@pytest.mark.parametrize("kind", ["answered", "abandoned"])
def test_what_says_nothing_of_a_provider_changes_no_breaker(kind: Kind) -> None:
    state = HealthState(clock_ms=lambda: NOW_MS)
    state.apply(note(kind))
    assert state.breaker(ROUTE) in (Breaker(), Breaker(touched_ms=NOW_MS))
