"""Ask the candidates in turn until one begins to answer; behind its first chunk there is no other."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from gateway.pipeline.lifeline import CallerLifeline
from gateway.pipeline.router import Candidate
from gateway.providers import errors
from gateway.providers.chat_types import TICK, ChatChunk

Ask = Callable[[Candidate], Generator[ChatChunk, None, None]]

_OUTCOMES: dict[type[errors.ProviderError], str] = {
    errors.ProviderUnavailable: "unavailable",
    errors.ProviderProtocolError: "not_understood",
    errors.ProviderTimeout: "timeout",
    errors.ProviderAuthError: "credential_refused",
    errors.ProviderRateLimited: "busy",
    errors.ProviderRejected: "rejected",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who was asked and what came of it: `answered` or a kind of failure, after `elapsed_ms`."""

    provider: str
    model: str
    outcome: str
    elapsed_ms: int


def outcome_of(error: Exception) -> str:
    """Name a failure in one word, as it is kept and shown."""
    for kind, outcome in _OUTCOMES.items():
        if isinstance(error, kind):
            return outcome
    return "failed"


class Attempts:
    """The chunks of the first candidate that answers, and the story of how it was found."""

    def __init__(
        self, candidates: Sequence[Candidate], *, ask: Ask, lifeline: CallerLifeline
    ) -> None:
        self._candidates = candidates
        self._ask = ask
        self._lifeline = lifeline
        self.made: list[Attempt] = []
        self.current = candidates[0]

    def chunks(self) -> Generator[ChatChunk, None, None]:
        """Yield ticks while waiting, then the answer. Raises the last candidate's ProviderError."""
        for position, candidate in enumerate(self._candidates, start=1):
            self.current = candidate
            started_s = time.monotonic()
            stream = self._ask(candidate)
            has_begun = False
            try:
                for chunk in stream:
                    if not has_begun and chunk != TICK:
                        has_begun = True
                        self._note(candidate, "answered", started_s)
                    yield chunk
                if not has_begun:
                    raise errors.ProviderProtocolError(
                        "the answer is empty", provider=candidate.route.provider
                    )
                return
            except errors.ProviderError as error:
                if has_begun:
                    raise
                self._note(candidate, outcome_of(error), started_s)
                is_last = position == len(self._candidates)
                if is_last or not error.retryable or self._lifeline.is_cut:
                    raise
            finally:
                stream.close()

    def _note(self, candidate: Candidate, outcome: str, started_s: float) -> None:
        elapsed_ms = round((time.monotonic() - started_s) * 1000)
        self.made.append(Attempt(candidate.route.provider, candidate.model.id, outcome, elapsed_ms))
