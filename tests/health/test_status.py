"""One word for a provider, and its figures of the last minutes."""

import pytest

from gateway.health.breaker import FAILURES_TO_OPEN
from gateway.health.events import Kind
from gateway.health.monitor import Monitor
from gateway.health.status import ProviderStatus
from tests.health.notes import GIGACHAT, LITE, note

OTHERS: list[Kind] = ["rejected", "busy", "abandoned"]


@pytest.fixture
def watched() -> Monitor:
    return Monitor(None)


def _status(watched: Monitor) -> ProviderStatus:
    return watched.status([GIGACHAT])[0]


def test_a_provider_that_nobody_asked_is_taken_to_work(watched: Monitor) -> None:
    status = _status(watched)
    assert (status.word, status.success_rate, status.first_token_ms) == ("operational", 1.0, None)


def test_a_provider_that_answers_is_operational_with_its_figures(watched: Monitor) -> None:
    for first_ms in (100, 200, 4000):
        watched.note(note(first_ms=first_ms, is_streamed=True))

    status = _status(watched)
    assert (status.word, status.success_rate) == ("operational", 1.0)
    assert status.first_token_ms == pytest.approx(200, rel=0.1)


def test_plain_answers_are_timed_where_there_are_no_streams(watched: Monitor) -> None:
    watched.note(note(first_ms=3000))
    assert _status(watched).first_token_ms == pytest.approx(3000, rel=0.1)

    other = Monitor(None)
    other.note(note(first_ms=3000))
    other.note(note(first_ms=300, is_streamed=True))
    assert _status(other).first_token_ms == pytest.approx(300, rel=0.1)


def test_one_model_out_of_two_is_degraded(watched: Monitor) -> None:
    watched.note(note("finished", LITE))
    for _ in range(FAILURES_TO_OPEN):
        watched.note(note("failed"))

    assert _status(watched).word == "degraded"


def test_every_model_out_is_down(watched: Monitor) -> None:
    for _ in range(FAILURES_TO_OPEN):
        watched.note(note("failed"))

    status = _status(watched)
    assert (status.word, status.success_rate) == ("down", 0.0)


@pytest.mark.parametrize(("failures", "word"), [(1, "operational"), (2, "degraded")])
def test_more_than_one_failure_in_twenty_is_degraded(
    watched: Monitor, failures: int, word: str
) -> None:
    for number in range(20):
        watched.note(note("failed" if number in range(3, 3 + failures) else "finished"))

    assert _status(watched).word == word


def test_a_refused_credential_alone_is_down(watched: Monitor) -> None:
    watched.note(note("refused"))

    assert _status(watched).word == "down"


def test_our_own_mistakes_and_limits_are_not_the_providers(watched: Monitor) -> None:
    for kind in OTHERS:
        watched.note(note(kind))

    assert _status(watched).asked == 0
