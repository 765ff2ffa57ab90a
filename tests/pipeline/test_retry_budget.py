"""A tenth of the requests may be sent again, and sixty a minute beside that."""

from dataclasses import dataclass

import pytest

from gateway.pipeline.execution.attempts import FREE, RetryBudget
from gateway.providers.errors import ProviderAuthError, ProviderUnavailable
from tests.pipeline.attempt_story import WORD, AttemptStory, error, taken


@dataclass
class Clock:
    time_s: float = 1000.0

    def __call__(self) -> float:
        return self.time_s


def test_the_first_sixty_are_free() -> None:
    assert taken(RetryBudget(Clock())) == FREE


def test_beyond_them_a_tenth_of_the_requests_may_be_sent_again() -> None:
    budget = RetryBudget(Clock())
    for _ in range(1000):
        budget.count_request()

    assert taken(budget) == FREE + 100


def test_what_was_a_minute_ago_counts_no_more() -> None:
    clock = Clock()
    budget = RetryBudget(clock)
    for _ in range(1000):
        budget.count_request()
    taken(budget)
    clock.time_s += 59
    assert not budget.take()

    clock.time_s += 1

    assert taken(budget) == FREE


def test_what_nobody_sent_is_given_back() -> None:
    budget = RetryBudget(Clock())
    taken(budget)

    budget.give_back()

    assert budget.take()
    assert not budget.take()


def test_a_spent_budget_leaves_it_at_the_first_attempt() -> None:
    budget = RetryBudget()
    taken(budget)
    story = AttemptStory([error()], [WORD], budget=budget, providers="aa")

    with pytest.raises(ProviderUnavailable):
        story.run()

    assert story.asked == ["a"]
    assert "budget" in story.attempts.skipped[0].reason


def test_another_provider_is_asked_whatever_is_left_of_the_budget() -> None:
    budget = RetryBudget()
    taken(budget)
    story = AttemptStory([error()], [WORD], budget=budget)

    assert story.run() == [WORD]
    assert story.asked == ["a", "b"]


def test_with_a_spent_budget_another_provider_is_asked_before_a_second_credential() -> None:
    budget = RetryBudget()
    taken(budget)
    story = AttemptStory([error(ProviderAuthError), WORD], [WORD], budget=budget)

    assert story.run() == [WORD]
    assert story.asked == ["a", "b"]
    assert "budget" in story.attempts.skipped[0].reason


def test_in_an_outage_of_a_provider_a_tenth_more_is_sent_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.pipeline.execution.attempts.MOST_JITTER_S", 0.0)
    budget = RetryBudget(clock=lambda: 1000.0)
    asked = 0
    for _ in range(2000):
        story = AttemptStory([error()], [error()], [error()], budget=budget, providers="aaa")
        with pytest.raises(ProviderUnavailable):
            story.run()
        asked += len(story.asked)

    assert 2000 < asked <= 2000 * 1.10 + FREE
