"""What is remembered of the database: who looks, and when."""

import threading

import pytest
from django.db import DatabaseError

from infra import live_copy
from infra.live_copy import AHEAD_S, LiveCopy
from tests.live.callers import wait_until


class Away(Exception):
    pass


class Looks(LiveCopy[int]):
    """Notes who looks; fails where the database `is_away`."""

    name = "The count"
    unavailable = Away
    is_away = False

    def __init__(self) -> None:
        super().__init__(lambda: self.time_s)
        self.time_s = 0.0
        self.lookers: list[str] = []

    def _look(self) -> None:
        self.lookers.append(threading.current_thread().name)
        if self.is_away:
            raise DatabaseError
        self._value = self.looks

    @property
    def looks(self) -> int:
        return len(self.lookers)


def test_the_thread_looks_before_a_request_would_have_to() -> None:
    copy = Looks()
    assert copy.current() == 1

    for _ in range(5):
        assert copy.current() == copy.looks
        copy.time_s += AHEAD_S
        copy.look_ahead()

    assert copy.looks == 6


def test_the_thread_leaves_alone_what_is_fresh_and_what_nobody_asks_for() -> None:
    copy = Looks()
    copy.look_ahead()
    assert copy.looks == 0

    copy.current()
    copy.current()
    copy.time_s = 0.1
    copy.look_ahead()
    assert copy.looks == 1

    copy.time_s = AHEAD_S
    copy.look_ahead()
    copy.time_s = 10
    copy.look_ahead()
    assert copy.looks == 2
    assert copy.current() == 3


def test_a_failed_look_is_repeated_a_second_later_and_keeps_the_value(
    caplog: pytest.LogCaptureFixture,
) -> None:
    copy = Looks()
    copy.is_away = True
    for _ in range(2):
        with pytest.raises(Away, match="The count could not be read"):
            copy.current()
    assert copy.looks == 1

    copy.is_away, copy.time_s = False, 1.0
    assert copy.current() == 2
    copy.is_away, copy.time_s = True, 2.0
    assert copy.current() == 2
    assert caplog.text.count("The count could not be read") == 2


def test_a_process_that_has_started_it_looks_in_a_thread_of_its_own() -> None:
    copy = Looks()
    copy.current()
    copy.time_s = 0.5

    live_copy.start()
    try:
        wait_until(lambda: copy.current() == 2, "the thread has looked")
    finally:
        live_copy.stop()
    assert copy.lookers == [threading.current_thread().name, "live copies"]
