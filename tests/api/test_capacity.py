"""A worker refuses what is too much before it has done anything for it, and lets a burst pass."""

import contextlib
import json
import threading
import time

import pytest
from django.test import Client

from gateway.api import capacity as module
from gateway.api.capacity import (
    ADMISSION_S,
    ADMITTED_AT_ONCE,
    CALM_S,
    FEWEST_ADMITTED,
    PAUSE_S,
    STANDING_S,
    Capacity,
)
from gateway.api.endpoints import chat
from gateway.api.errors import Overloaded

LATE_S = ADMISSION_S + 0.1


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def refuses(capacity: Capacity) -> bool:
    try:
        capacity.refuse_early()
    except Overloaded:
        return True
    return False


def admit(capacity: Capacity, clock: Clock, *, took_s: float, for_s: float) -> None:
    """Have admissions end one after another, each late or not, over a time."""
    until_s = clock.now_s + for_s
    while clock.now_s <= until_s:
        capacity.begin_admission()
        clock.now_s += 0.05
        capacity.end_admission(took_s)


def waiting(capacity: Capacity, count: int) -> None:
    """Have so many admissions begun and not ended."""
    capacity.admitting += count


def test_the_running_ones_have_a_ceiling(clock):
    capacity = Capacity(1, clock=clock)
    with capacity:
        assert refuses(capacity)
        with pytest.raises(Overloaded), capacity:
            pass
    assert not refuses(capacity)


def test_a_burst_is_admitted_however_late_it_is_for_a_moment(clock):
    capacity = Capacity(1000, clock=clock)
    waiting(capacity, 500)
    admit(capacity, clock, took_s=LATE_S, for_s=STANDING_S - 0.2)
    assert not refuses(capacity)


def test_late_admissions_that_last_are_fewer_at_once_and_grow_again_when_they_are_in_time(clock):
    capacity = Capacity(1000, clock=clock)
    waiting(capacity, 500)
    admit(capacity, clock, took_s=LATE_S, for_s=STANDING_S + PAUSE_S)
    assert refuses(capacity)
    admit(capacity, clock, took_s=0.01, for_s=2 * CALM_S)
    assert not refuses(capacity)


@pytest.mark.parametrize("pause_s", [30.0, 1e6])
def test_a_burst_after_a_pause_finds_no_limit_of_an_earlier_one(clock, pause_s):
    capacity = Capacity(1000, clock=clock)
    waiting(capacity, 500)
    admit(capacity, clock, took_s=LATE_S, for_s=60)
    waiting(capacity, -500)
    clock.now_s += pause_s

    admit(capacity, clock, took_s=0.01, for_s=0)

    waiting(capacity, 900)
    assert not refuses(capacity)


def test_the_more_a_worker_may_carry_the_longer_an_admission_may_take(clock):
    for ceiling, is_refused in ((1000, True), (2000, False)):
        capacity = Capacity(ceiling, clock=clock)
        waiting(capacity, 900)
        admit(capacity, clock, took_s=LATE_S, for_s=60)
        assert refuses(capacity) is is_refused


def test_some_are_always_admitted(clock):
    capacity = Capacity(1000, clock=clock)
    admit(capacity, clock, took_s=LATE_S, for_s=60)
    waiting(capacity, FEWEST_ADMITTED - 1)
    assert not refuses(capacity)
    waiting(capacity, 1)
    assert refuses(capacity)


def test_beside_many_streams_an_admission_may_take_longer(clock):
    capacity = Capacity(4000, clock=clock)
    for _ in range(1000):
        capacity.begin_stream()
    waiting(capacity, 500)
    admit(capacity, clock, took_s=LATE_S, for_s=60)
    assert not refuses(capacity)


def test_who_waits_for_a_turn_goes_before_who_comes_later():
    capacity = Capacity(1000)
    went: list[str] = []

    def come(name: str) -> threading.Thread:
        def wait() -> None:
            capacity.begin_admission()
            went.append(name)

        before = capacity.admitting
        thread = threading.Thread(target=wait)
        thread.start()
        while capacity.admitting == before:
            time.sleep(0.001)
        return thread

    for _ in range(ADMITTED_AT_ONCE):
        capacity.begin_admission()
    first, second = come("first"), come("second")
    capacity.end_admission(0)
    third = come("third")
    first.join()
    assert went == ["first"]
    for thread, name in ((second, "second"), (third, "third")):
        capacity.end_admission(0)
        thread.join()
        assert went[-1] == name
    for _ in range(ADMITTED_AT_ONCE):
        capacity.end_admission(0)
    assert capacity.admitting == 0
    capacity.begin_admission()  # there is a turn for who comes alone


@pytest.mark.parametrize("has_turn", [False, True])
def test_who_leaves_the_row_keeps_no_turn(has_turn, monkeypatch):
    class Leaver(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if has_turn:
                capacity.end_admission(0)
            raise KeyboardInterrupt

    capacity = Capacity(1000)
    for _ in range(ADMITTED_AT_ONCE):
        capacity.begin_admission()
    monkeypatch.setattr(threading, "Event", Leaver)

    with pytest.raises(KeyboardInterrupt):
        capacity.begin_admission()

    assert capacity.admitting == ADMITTED_AT_ONCE - has_turn
    if not has_turn:
        capacity.end_admission(0)
    capacity.begin_admission()


def test_an_admission_counts_while_it_lasts_and_when_it_fails(clock):
    capacity = Capacity(10, clock=clock)
    with contextlib.suppress(ValueError), capacity.admission():
        assert capacity.admitting == 1
        raise ValueError
    assert capacity.admitting == 0


def test_a_refusal_comes_before_the_credential_is_judged_and_the_body_read(monkeypatch):
    full = Capacity(0)
    monkeypatch.setattr(chat, "capacity", full)
    monkeypatch.setattr(module, "capacity", full)

    answer = Client().post(
        "/v1/chat/completions",
        b"no JSON at all",
        content_type="application/json",
        headers={"Authorization": "Bearer nobody"},
    )

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert json.loads(answer.content)["error"]["code"] == "overloaded"
