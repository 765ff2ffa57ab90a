"""A provider that says "too many" is spared what it does not take, and never all of it."""

from dataclasses import dataclass

from gateway.health.adaptive_throttle import (
    LEAST_BUSY,
    LULL_S,
    MOST_REFUSED,
    SPAN_S,
    AdaptiveThrottle,
)
from tests.health.notes import CREDENTIAL


@dataclass
class Moved:
    """A clock and a lot that the test moves."""

    time_s: float = 1000.0
    lot: float = 0.0

    def clock(self) -> float:
        return self.time_s

    def draw(self) -> float:
        return self.lot


def _pacing(moved: Moved, *, answered: int = 0, busy: int = 0) -> AdaptiveThrottle:
    throttle = AdaptiveThrottle(clock=moved.clock, draw=moved.draw)
    for is_busy in [False] * answered + [True] * busy:
        throttle.note(CREDENTIAL, is_busy=is_busy)
    return throttle


def test_a_few_refusals_spare_it_nothing() -> None:
    assert not _pacing(Moved(), busy=LEAST_BUSY - 1).should_throttle(CREDENTIAL)


def test_one_that_takes_half_of_the_requests_gets_them_all() -> None:
    assert not _pacing(Moved(), answered=50, busy=50).should_throttle(CREDENTIAL)


def test_one_that_takes_a_quarter_is_spared_the_surplus() -> None:
    moved = Moved()
    throttle = _pacing(moved, answered=25, busy=75)  # (100 - 2 * 25) / 101

    moved.lot = 0.49
    assert throttle.should_throttle(CREDENTIAL)
    moved.lot = 0.5
    assert not throttle.should_throttle(CREDENTIAL)


def test_somebody_always_asks_one_that_takes_none() -> None:
    moved = Moved(lot=MOST_REFUSED)
    throttle = _pacing(moved, busy=1000)

    assert not throttle.should_throttle(CREDENTIAL)
    moved.lot = MOST_REFUSED - 0.01
    assert throttle.should_throttle(CREDENTIAL)


def test_it_is_of_one_credential() -> None:
    throttle = _pacing(Moved(), busy=100)

    assert not throttle.should_throttle("c/gigachat/two")
    assert throttle.should_throttle(CREDENTIAL)


def test_a_provider_that_has_refused_none_for_a_moment_gets_all_requests() -> None:
    moved = Moved()
    throttle = _pacing(moved, busy=100)

    moved.time_s += LULL_S / 2
    assert throttle.should_throttle(CREDENTIAL)
    moved.time_s += LULL_S / 2
    assert not throttle.should_throttle(CREDENTIAL)


def test_what_it_refuses_again_is_counted_with_what_it_refused_before() -> None:
    moved = Moved()
    throttle = _pacing(moved, busy=100)

    moved.time_s += SPAN_S
    throttle.note(CREDENTIAL, is_busy=True)
    assert throttle.should_throttle(CREDENTIAL)


def test_what_it_refused_long_ago_is_forgotten() -> None:
    moved = Moved()
    throttle = _pacing(moved, busy=100)

    moved.time_s += 2 * SPAN_S
    throttle.note(CREDENTIAL, is_busy=True)
    assert not throttle.should_throttle(CREDENTIAL)
