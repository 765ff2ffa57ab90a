"""Many who ask the same at once cost one question, and share its answer or its failure."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.single_flight import SingleFlight

CALLERS = 20


def _ask_together(flights: SingleFlight[str, int], work) -> list[int | str]:
    def ask(_: int) -> int | str:
        try:
            return flights.do("key", work)
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(ask, range(CALLERS)))


def test_a_burst_is_one_question():
    calls = []
    gate = threading.Event()

    def work() -> int:
        calls.append(1)
        gate.wait(0.3)
        return 7

    assert _ask_together(SingleFlight(), work) == [7] * CALLERS
    assert len(calls) < CALLERS / 2


def test_a_failure_is_shared():
    def work() -> int:
        threading.Event().wait(0.3)
        raise ValueError("away")

    assert set(_ask_together(SingleFlight(), work)) == {"away"}


def test_the_next_question_is_asked_anew():
    flights: SingleFlight[str, int] = SingleFlight()
    answers = iter([1, 2])

    assert [flights.do("key", lambda: next(answers)) for _ in range(2)] == [1, 2]


def test_a_failure_is_not_remembered():
    flights: SingleFlight[str, int] = SingleFlight()
    with pytest.raises(ZeroDivisionError):
        flights.do("key", lambda: 1 // 0)

    assert flights.do("key", lambda: 3) == 3
