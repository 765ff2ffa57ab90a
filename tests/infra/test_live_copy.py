"""What is remembered of the database: who looks, and when."""

import threading

import pytest
from django.db import DatabaseError, OperationalError

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
    failure: type[DatabaseError] = DatabaseError

    def __init__(self) -> None:
        super().__init__(lambda: self.time_s)
        self.time_s = 0.0
        self.lookers: list[str] = []

    def _look(self) -> None:
        self.lookers.append(threading.current_thread().name)
        if self.is_away:
            raise self.failure
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


def test_while_the_database_is_away_the_thread_alone_looks_for_what_is_known() -> None:
    copies = [Looks(), Looks()]
    assert [copy.current() for copy in copies] == [1, 1]

    def looked() -> int:
        return sum(copy.lookers.count(threading.current_thread().name) for copy in copies)

    live_copy.start()
    try:
        for copy in copies:
            copy.is_away, copy.failure, copy.time_s = True, OperationalError, 1.0
        wait_until(lambda: copies[0].current() == 1 and copies[0].looks > 1, "a look has failed")
        known = looked()
        for _ in range(5):
            for copy in copies:
                copy.time_s += 10
            assert [copy.current() for copy in copies] == [1, 1]
        assert looked() == known <= 3

        for copy in copies:
            copy.is_away = False
        wait_until(lambda: all(copy.current() > 1 for copy in copies), "the thread looks again")
    finally:
        live_copy.stop()


def test_what_was_never_read_is_looked_for_by_whoever_needs_it_also_in_an_outage() -> None:
    copy, new = Looks(), Looks()
    copy.failure = OperationalError
    copy.current()
    live_copy.start()
    try:
        copy.is_away, copy.time_s = True, 1.0
        wait_until(lambda: copy.current() == 1 and copy.looks > 1, "a look has failed")
        assert new.current() == 1
    finally:
        live_copy.stop()
