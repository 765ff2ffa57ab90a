"""Who is asked after whom: faults before the first chunk move on, within attempts, budget and time."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest

from gateway.pipeline.attempts import Attempts
from gateway.pipeline.errors import NoProviderAvailable
from gateway.pipeline.lifeline import CallerLifeline
from gateway.pipeline.order import Wish
from gateway.pipeline.retry_budget import RetryBudget
from gateway.pipeline.router import Candidate, choose
from gateway.pipeline.trial import NotAsked, Trial
from gateway.providers.chat_types import TICK, ChatChunk
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from tests.pipeline.test_router import _model, _order

WORD = ChatChunk(text="да")
Step = ChatChunk | Exception


@dataclass
class Scripted:
    """A trial that goes as the test says: chunks and ticks, or an exception."""

    steps: Sequence[Step]
    credential: str = "one"

    def __post_init__(self) -> None:
        first = self.steps[0] if self.steps else WORD
        self.was_asked = not isinstance(first, NotAsked)
        self.chunks = self._run()

    def _run(self) -> Generator[ChatChunk, None, None]:
        for step in self.steps:
            if isinstance(step, Exception):
                raise step
            yield step


class Story:
    """Attempts over providers `a`, `b`, `c`, each of which goes as its script says, time after time."""

    def __init__(
        self,
        *scripts: Sequence[Step],
        total_timeout_s: float = 600,
        budget: RetryBudget | None = None,
    ) -> None:
        names = "abcdefg"[: len(scripts)]
        wishes = [Wish((_model(name, name),)) for name in names]
        candidates = choose(_order(*names), wishes).candidates
        self.scripts = {name: list(script) for name, script in zip(names, scripts, strict=True)}
        self.lifeline = CallerLifeline(total_timeout_s=total_timeout_s)
        self.asked: list[str] = []
        self.avoided: list[frozenset[str]] = []
        self.credentials: dict[str, list[str]] = {}
        self.budget = budget or RetryBudget()
        self.attempts: Attempts[Candidate, ChatChunk] = Attempts(
            candidates, ask=self._ask, lifeline=self.lifeline, budget=self.budget
        )

    def _ask(self, candidate: Candidate, avoid: frozenset[str]) -> Trial[ChatChunk]:
        name = candidate.model.id
        self.asked.append(name)
        self.avoided.append(avoid)
        script = self.scripts[name]
        trial = Scripted(
            [script.pop(0)] if len(script) > 1 and isinstance(script[0], Exception) else script
        )
        if self.credentials.get(name):
            trial.credential = self.credentials[name].pop(0)
        return cast("Trial[ChatChunk]", trial)

    def run(self) -> list[ChatChunk]:
        return list(self.attempts.chunks())

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(one.provider, one.outcome) for one in self.attempts.made]


def _error(kind: type[ProviderError] = ProviderUnavailable, **details: Any) -> ProviderError:
    return kind("it failed", provider="x", **details)


def test_the_first_that_answers_is_the_only_one() -> None:
    story = Story([TICK, WORD, WORD], [WORD])

    assert story.run() == [TICK, WORD, WORD]
    assert story.outcomes == [("a", "answered")]


@pytest.mark.parametrize("kind", [ProviderUnavailable, ProviderTimeout, ProviderRateLimited])
def test_a_fault_before_the_first_chunk_moves_on(kind: type[ProviderError]) -> None:
    story = Story([TICK, _error(kind)], [WORD])

    assert story.run() == [TICK, WORD]
    assert [name for name, _ in story.outcomes] == ["a", "b"]
    assert story.attempts.current.model.id == "b"


def test_a_fault_behind_the_first_chunk_does_not() -> None:
    story = Story([WORD, _error()], [WORD])

    with pytest.raises(ProviderUnavailable):
        story.run()

    assert story.asked == ["a"]


def test_a_wrong_request_is_nobody_elses() -> None:
    story = Story([_error(ProviderRejected)], [WORD])

    with pytest.raises(ProviderRejected):
        story.run()

    assert story.asked == ["a"]


def test_three_attempts_at_most_and_the_last_ones_error() -> None:
    refusals: list[list[Step]] = [[_error(ProviderAuthError)] for _ in "abc"]
    story = Story(*refusals)
    story.credentials = {"a": ["one", "two", "three", "four"]}
    story.scripts["a"] = [_error(ProviderAuthError) for _ in range(9)]

    with pytest.raises(ProviderAuthError):
        story.run()

    assert story.asked == ["a", "a", "a"]
    assert {one.provider for one in story.attempts.skipped} == {"a", "b", "c"}


def test_a_refused_credential_gives_its_route_to_another_one() -> None:
    story = Story([_error(ProviderAuthError), WORD], [WORD])
    story.credentials = {"a": ["one", "two"]}

    assert story.run() == [WORD]
    assert story.outcomes == [("a", "credential_refused"), ("a", "answered")]
    assert story.avoided == [frozenset(), {"one"}]


def test_without_another_credential_the_next_route_is_asked_and_nothing_is_said_of_it() -> None:
    story = Story([_error(ProviderAuthError), NotAsked("it has no other credential")], [WORD])

    assert story.run() == [WORD]
    assert story.outcomes == [("a", "credential_refused"), ("b", "answered")]
    assert story.attempts.skipped == []


def test_any_other_fault_asks_no_route_twice() -> None:
    story = Story([_error()], [_error()])

    with pytest.raises(ProviderUnavailable):
        story.run()

    assert story.asked == ["a", "b"]


def test_who_cannot_be_asked_is_skipped_at_no_cost() -> None:
    story = Story([NotAsked("its route rests after failures")], [WORD])

    assert story.run() == [WORD]
    assert story.outcomes == [("b", "answered")]
    [skipped] = story.attempts.skipped
    assert (skipped.provider, skipped.reason) == ("a", "its route rests after failures")
    assert _left(story.budget) == 10


def test_with_nobody_to_ask_no_provider_is_available_until_the_first_is() -> None:
    story = Story([NotAsked("a", retry_after_s=7.0)], [NotAsked("b", retry_after_s=3.0)])

    with pytest.raises(NoProviderAvailable) as refusal:
        story.run()

    assert refusal.value.retry_after_s == 3.0
    assert story.outcomes == []
    assert story.attempts.current.model.id == "a"


def test_who_failed_is_named_although_others_could_not_be_asked() -> None:
    story = Story([_error(ProviderTimeout)], [NotAsked("its route rests")])

    with pytest.raises(ProviderTimeout):
        story.run()

    assert story.attempts.current.model.id == "a"


def test_an_empty_answer_moves_on() -> None:
    story = Story([TICK], [WORD])

    assert story.run() == [TICK, WORD]
    assert story.outcomes[0] == ("a", "not_understood")


def test_a_caller_that_left_asks_nobody_else() -> None:
    story = Story([_error()], [WORD])
    story.lifeline.cut()

    with pytest.raises(ProviderUnavailable):
        story.run()

    assert story.asked == ["a"]


def test_when_the_time_is_over_nobody_else_is_asked() -> None:
    story = Story([_error()], [WORD], total_timeout_s=0)

    with pytest.raises(ProviderUnavailable):
        story.run()

    assert story.asked == ["a"]
    assert story.attempts.skipped[0].provider == "b"


def _left(budget: RetryBudget) -> int:
    return next(number for number in range(100_000) if not budget.take())


def test_a_spent_budget_leaves_it_at_the_first_attempt() -> None:
    budget = RetryBudget()
    _left(budget)
    story = Story([_error()], [WORD], budget=budget)

    with pytest.raises(ProviderUnavailable):
        story.run()

    assert story.asked == ["a"]
    assert "budget" in story.attempts.skipped[0].reason


def test_in_a_full_outage_a_tenth_more_is_sent_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.pipeline.attempts.MOST_JITTER_S", 0.0)
    budget = RetryBudget(clock=lambda: 1000.0)
    asked = 0
    for _ in range(2000):
        story = Story([_error()], [_error()], [_error()], budget=budget)
        with pytest.raises(ProviderUnavailable):
            story.run()
        asked += len(story.asked)

    assert 2000 < asked <= 2000 * 1.10 + 10


def test_a_slot_that_never_came_is_told_as_the_provider_being_busy() -> None:
    story = Story([_error(ProviderRateLimited, retry_after_s=5.0)])
    ask: Callable[..., Any] = story._ask

    def unasked(candidate: Candidate, avoid: frozenset[str]) -> Any:
        trial = ask(candidate, avoid)
        trial.was_asked = False
        return trial

    story.attempts = Attempts(
        [story.attempts.current], ask=unasked, lifeline=story.lifeline, budget=story.budget
    )

    with pytest.raises(ProviderRateLimited):
        story.run()
    assert story.outcomes == [("a", "busy")]
