"""Attempts over candidates that answer and fail as a test says."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from gateway.pipeline.candidate import Candidate
from gateway.pipeline.execution.attempts import Attempts, RetryBudget
from gateway.pipeline.execution.cancel_token import CallerCancelToken
from gateway.pipeline.execution.provider_call import AttemptSkipped, ProviderCall
from gateway.pipeline.request import RequestedModel
from gateway.pipeline.routing.router import choose
from gateway.providers.chat_types import ChatChunk
from gateway.providers.errors import (
    ProviderError,
    ProviderUnavailable,
)
from gateway.providers.tick import Tick
from gateway.upstreams import QueueWait, SlotElsewhere
from tests.pipeline.routing_orders import model_of, order_of

WORD = ChatChunk(text="да")
Step = Tick | ChatChunk | Exception


@dataclass
class Scripted:
    """A trial that goes as the test says: chunks and ticks, or an exception."""

    steps: Sequence[Step]
    credential: str = "one"

    def __post_init__(self) -> None:
        first = self.steps[0] if self.steps else WORD
        self.was_asked = not isinstance(first, AttemptSkipped | SlotElsewhere)
        self.chunks = self._run()

    def _run(self) -> Generator[Tick | ChatChunk, None, None]:
        for step in self.steps:
            if isinstance(step, Exception):
                raise step
            yield step


class AttemptStory:
    """Attempts over models `a`, `b`, `c`, each of which goes as its script says, time after time.

    Each has a provider of its own name, or the one that `providers` says.
    """

    def __init__(
        self,
        *scripts: Sequence[Step],
        total_timeout_s: float = 600,
        budget: RetryBudget | None = None,
        providers: str = "abcdefg",
        hides_reasoning: bool = False,
    ) -> None:
        names = "abcdefg"[: len(scripts)]
        requested_models = [
            RequestedModel((model_of(name, provider),))
            for name, provider in zip(names, providers, strict=False)
        ]
        candidates = choose(order_of(*names), requested_models).candidates
        self.scripts = {name: list(script) for name, script in zip(names, scripts, strict=True)}
        self.cancel_token = CallerCancelToken(total_timeout_s=total_timeout_s)
        self.asked: list[str] = []
        self.avoided: list[frozenset[str]] = []
        self.credentials: dict[str, list[str]] = {}
        self.budget = budget or RetryBudget()
        self.attempts: Attempts[Candidate, ChatChunk] = Attempts(
            candidates,
            ask=self._ask,
            cancel_token=self.cancel_token,
            budget=self.budget,
            hides_reasoning=hides_reasoning,
        )

    def _ask(
        self, candidate: Candidate, avoid: frozenset[str], queue: QueueWait
    ) -> ProviderCall[ChatChunk]:
        name = candidate.model.id
        self.asked.append(name)
        self.avoided.append(avoid)
        script = self.scripts[name]
        trial = Scripted(
            [script.pop(0)] if len(script) > 1 and isinstance(script[0], Exception) else script
        )
        if self.credentials.get(name):
            trial.credential = self.credentials[name].pop(0)
        return cast("ProviderCall[ChatChunk]", trial)

    def run(self) -> list[Tick | ChatChunk]:
        return list(self.attempts.chunks())

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(item.provider, item.outcome) for item in self.attempts.history]


def error(kind: type[ProviderError] = ProviderUnavailable, **details: Any) -> ProviderError:
    return kind("it failed", provider="x", **details)


def taken(budget: RetryBudget, most: int = 10_000) -> int:
    """Take retries until there is none left; return how many there were."""
    return next(number for number in range(most) if not budget.take())
