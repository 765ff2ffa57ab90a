"""A tenth of the requests may be sent again, and sixty a minute beside that."""

from dataclasses import dataclass

from gateway.pipeline.execution.attempts import FREE, RetryBudget


@dataclass
class Clock:
    time_s: float = 1000.0

    def __call__(self) -> float:
        return self.time_s


def _taken(budget: RetryBudget, most: int = 10_000) -> int:
    """Take retries until there is none left; return how many there were."""
    return next(number for number in range(most) if not budget.take())


def test_the_first_sixty_are_free() -> None:
    assert _taken(RetryBudget(Clock())) == FREE


def test_beyond_them_a_tenth_of_the_requests_may_be_sent_again() -> None:
    budget = RetryBudget(Clock())
    for _ in range(1000):
        budget.count_request()

    assert _taken(budget) == FREE + 100


def test_what_was_a_minute_ago_counts_no_more() -> None:
    clock = Clock()
    budget = RetryBudget(clock)
    for _ in range(1000):
        budget.count_request()
    _taken(budget)
    clock.time_s += 59
    assert not budget.take()

    clock.time_s += 1

    assert _taken(budget) == FREE


def test_what_nobody_sent_is_given_back() -> None:
    budget = RetryBudget(Clock())
    _taken(budget)

    budget.give_back()

    assert budget.take()
    assert not budget.take()
