"""Ask the candidates in turn until one begins to answer; behind its first chunk there is no other."""

import random
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gateway.catalog import Model, Route
from gateway.pipeline.errors import NoProviderAvailable
from gateway.pipeline.lifeline import CallerLifeline
from gateway.pipeline.retry_budget import RetryBudget
from gateway.pipeline.trial import NotAsked, Trial
from gateway.providers import errors
from gateway.providers.chat_types import TICK, ChatChunk

MOST_ATTEMPTS = 3
MOST_JITTER_S = 0.05

_OUTCOMES: dict[type[Exception], str] = {
    errors.ProviderUnavailable: "unavailable",
    errors.ProviderProtocolError: "not_understood",
    errors.ProviderTimeout: "timeout",
    errors.ProviderAuthError: "credential_refused",
    errors.ProviderRateLimited: "busy",
    errors.ProviderRejected: "rejected",
    NoProviderAvailable: "nobody_asked",
}


class Target(Protocol):
    """A route to ask for a model."""

    @property
    def model(self) -> Model: ...

    @property
    def route(self) -> Route: ...


C = TypeVar("C", bound=Target)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who was asked and what came of it: `answered` or a kind of failure, after `elapsed_ms`."""

    provider: str
    model: str
    outcome: str
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """Who was to be asked and was not, and why."""

    provider: str
    model: str
    reason: str


def outcome_of(error: Exception) -> str:
    """Name a failure in one word, as it is kept and shown."""
    for kind, outcome in _OUTCOMES.items():
        if isinstance(error, kind):
            return outcome
    return "failed"


class Attempts(Generic[C, T]):
    """The chunks of the first candidate that answers, and the story of how it was found.

    `ask` gets a candidate and the credentials that its route has been asked with. No route is asked
    twice, except with another credential when one was refused.
    """

    def __init__(
        self,
        candidates: Sequence[C],
        *,
        ask: Callable[[C, frozenset[str]], Trial[T]],
        lifeline: CallerLifeline,
        budget: RetryBudget,
    ) -> None:
        self._waiting = deque(candidates)
        self._ask = ask
        self._lifeline = lifeline
        self._budget = budget
        self._refused: dict[str, set[str]] = {}
        self._asked = 0
        self._has_retry = False
        self.made: list[Attempt] = []
        self.skipped: list[Skipped] = []
        self.current = candidates[0]

    def chunks(self) -> Generator[ChatChunk | T, None, None]:
        """Yield ticks while waiting, then the answer.

        Raises the ProviderError of who was asked last, NoProviderAvailable when nobody could be.
        """
        failure: errors.ProviderError | None = None
        retry_after_s: list[float] = []
        self._budget.count_request()
        while self._waiting:
            if failure is not None and not self._may_go_on(failure):
                raise failure
            candidate = self._waiting.popleft()
            refused = self._refused.get(candidate.route.provider, ())
            trial = self._ask(candidate, frozenset(refused))
            before, self.current = self.current, candidate
            started_s = time.monotonic()
            has_begun = False
            try:
                for chunk in trial.chunks:
                    if not has_begun and chunk != TICK:
                        has_begun = True
                        self._note(candidate, "answered", started_s)
                    yield chunk
                if not has_begun:
                    raise errors.ProviderProtocolError(
                        "the answer is empty", provider=candidate.route.provider
                    )
                return
            except NotAsked as refusal:
                if failure is None or candidate is not before:
                    self._skip(candidate, refusal.reason)
                    self.current = before
                retry_after_s.append(refusal.retry_after_s)
            except errors.ProviderError as error:
                if has_begun:
                    raise
                self._note(candidate, outcome_of(error), started_s)
                failure = error
                self._plan_after(error, candidate, trial)
            finally:
                trial.chunks.close()
                self._settle_with_budget(trial)
        if failure is not None:
            raise failure
        raise NoProviderAvailable(
            "Every provider that may answer is failing or full at present. Try again shortly.",
            retry_after_s=min(retry_after_s, default=1.0),
        )

    def _plan_after(self, error: errors.ProviderError, candidate: C, trial: Trial[T]) -> None:
        """Where only the credential was wrong, the same route may have another."""
        if isinstance(error, errors.ProviderAuthError) and trial.was_asked:
            self._refused.setdefault(candidate.route.provider, set()).add(trial.credential)
            self._waiting.appendleft(candidate)

    def _may_go_on(self, failure: errors.ProviderError) -> bool:
        """Say whether one more candidate may be asked; wait a moment, not to be one of a crowd."""
        if not failure.retryable or self._lifeline.is_cut:
            return False
        left_s = self._lifeline.deadline_s - time.monotonic()
        if self._asked >= MOST_ATTEMPTS or left_s <= MOST_JITTER_S:
            self._skip_the_rest("there is no attempt left, or no time")
            return False
        if self._asked:
            self._has_retry = self._budget.take()
            if not self._has_retry:
                self._skip_the_rest("the retry budget of this process is spent")
                return False
            time.sleep(random.uniform(0, MOST_JITTER_S))  # noqa: S311 -- no secret
        return True

    def _settle_with_budget(self, trial: Trial[T]) -> None:
        if trial.was_asked:
            self._asked += 1
        elif self._has_retry:
            self._budget.give_back()
        self._has_retry = False

    def _note(self, candidate: C, outcome: str, started_s: float) -> None:
        elapsed_ms = round((time.monotonic() - started_s) * 1000)
        self.made.append(Attempt(candidate.route.provider, candidate.model.id, outcome, elapsed_ms))

    def _skip(self, candidate: C, reason: str) -> None:
        self.skipped.append(Skipped(candidate.route.provider, candidate.model.id, reason))

    def _skip_the_rest(self, reason: str) -> None:
        for candidate in self._waiting:
            self._skip(candidate, reason)
