"""One running completion: its chunks, its meter, and its settlement, exactly once."""

import logging
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from billing.charges import ChargeRule
from billing.limits import Admission
from gateway.pipeline.attempts import Attempt, Attempts
from gateway.pipeline.lifeline import CallerLifeline
from gateway.pipeline.meter import Meter
from gateway.pipeline.router import Candidate
from gateway.providers.base import TICK_S
from gateway.providers.chat_types import TICK, ChatChunk, FinishReason, Usage
from gateway.providers.errors import ProviderError

logger = logging.getLogger(__name__)

FIRST_EVENT_WAIT_S = 10.0
"""How long the status of a streamed answer waits for the provider's first event."""

NOTHING = Usage(0, 0)


class CallerGone(Exception):
    """The caller left before the answer ended."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that is known of a completion when it ends: what its settlement and its record need."""

    candidate: Candidate
    rule: ChargeRule
    usage: Usage
    finish_reason: FinishReason | None
    native_finish_reason: str | None
    is_cancelled: bool
    is_rewritten: bool
    failure: Exception | None
    attempts: tuple[Attempt, ...]
    latency_ms: int
    time_to_first_token_ms: int | None


class Settle(Protocol):
    """Books a report and returns what was charged, in nano-credits."""

    def __call__(self, report: Report) -> int: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a completion came to, once it is settled. `cost_nano` is what the account was charged."""

    finish_reason: FinishReason
    native_finish_reason: str | None
    usage: Usage
    cost_nano: int


class CompletionStream:
    """Iterate over the chunks of an answer (ticks included); then `outcome` is there.

    However it ends, it is settled once: at the end of the answer before the last `next` returns, at a
    failure before it is raised, or in `close`. Raises ProviderError, and CallerGone after the lifeline
    was cut.
    """

    def __init__(
        self,
        *,
        identity: str,
        created_s: int,
        attempts: Attempts[Candidate, ChatChunk],
        lifeline: CallerLifeline,
        settle: Settle,
        count_tokens: Callable[[Candidate, Sequence[str]], list[int]],
        admission: Admission,
        ignored: Sequence[str],
    ) -> None:
        self.id = identity
        self.created_s = created_s
        self._attempts = attempts
        self._lifeline = lifeline
        self._settle = settle
        self._count_tokens = count_tokens
        self.admission = admission
        self.ignored = ignored
        self._started_s = time.monotonic()
        self._first_s: float | None = None
        self._meter = Meter(context_tokens=attempts.current.route.profile.context_tokens)
        self._is_rewritten = False
        self._is_settled = False
        self._outcome: Outcome | None = None
        self._chunks = self._run()
        self._primed: ChatChunk | None = None

    @property
    def candidate(self) -> Candidate:
        """Who serves, or is being asked."""
        return self._attempts.current

    @property
    def attempts_made(self) -> int:
        return max(1, len(self._attempts.made))

    @property
    def outcome(self) -> Outcome:
        """What the completion came to; it is there when the iteration has ended without an exception."""
        if self._outcome is None:
            raise AssertionError("The completion has not ended.")
        return self._outcome

    def __iter__(self) -> "CompletionStream":
        return self

    def __next__(self) -> ChatChunk:
        if self._primed is not None:
            chunk, self._primed = self._primed, None
            return chunk
        return next(self._chunks)

    def prime(self) -> None:
        """Wait for the provider's first event, FIRST_EVENT_WAIT_S at most; failures so far are raised."""
        give_up_s = self._started_s + FIRST_EVENT_WAIT_S
        for chunk in self._chunks:
            self._primed = chunk
            if chunk != TICK or time.monotonic() + TICK_S > give_up_s:
                return

    def close(self) -> None:
        """End the completion wherever it stands. A caller's departure, when it had not ended."""
        self._chunks.close()
        if not self._is_settled:
            self._report(is_cancelled=True)

    def _run(self) -> Generator[ChatChunk, None, None]:
        finish: FinishReason | None = None
        native: str | None = None
        chunks = self._attempts.chunks()
        try:
            for chunk in chunks:
                if self._lifeline.is_cut:
                    raise CallerGone
                if chunk == TICK:
                    if finish is not None:
                        break  # what is still open after the finish mark is not waited for
                    yield chunk
                    continue
                self._take(chunk)
                finish = chunk.finish_reason or finish
                native = chunk.native_finish_reason or native
                limit_tokens = self.candidate.request.max_tokens
                if limit_tokens is not None and self._meter.is_over(limit_tokens):
                    yield _trimmed(chunk, limit_tokens)
                    self._report("length", native, is_overrun=True)
                    return
                if chunk.text or chunk.reasoning or chunk.tool_calls or finish is None:
                    yield chunk
        except GeneratorExit:
            raise
        except (ProviderError, CallerGone) as error:
            if not self._lifeline.is_cut:
                self._report(failure=error)
                raise
            self._report(is_cancelled=True)
            raise CallerGone from error
        except Exception as error:
            self._report(failure=error)
            raise
        finally:
            chunks.close()
        self._report(finish or "stop", native)

    def _take(self, chunk: ChatChunk) -> None:
        if self._first_s is None:
            self._first_s = time.monotonic()
        self._meter.take(chunk)
        self._is_rewritten = self._is_rewritten or chunk.rewritten

    def _report(
        self,
        finish: FinishReason | None = None,
        native: str | None = None,
        *,
        is_overrun: bool = False,
        is_cancelled: bool = False,
        failure: Exception | None = None,
    ) -> None:
        """Settle. An answer without output, refused by a filter, or failed before any, costs nothing."""
        self._is_settled = True
        is_filtered = finish == "content_filter"
        has_output = self._meter.has_output
        usage = NOTHING
        if has_output or finish is not None:
            candidate = self.candidate
            usage = self._meter.final_usage(
                candidate.request, partial(self._count_tokens, candidate)
            )
        if not has_output or is_filtered:
            rule: ChargeRule = "void"
        elif finish is None or is_overrun:
            rule = "cut"
        else:
            rule = "finished"
        cost_nano = self._settle(
            Report(
                candidate=self.candidate,
                rule=rule,
                usage=usage,
                finish_reason=finish,
                native_finish_reason=native,
                is_cancelled=is_cancelled,
                is_rewritten=self._is_rewritten,
                failure=failure,
                attempts=tuple(self._attempts.made),
                latency_ms=self._elapsed_ms(time.monotonic()),
                time_to_first_token_ms=None
                if self._first_s is None
                else self._elapsed_ms(self._first_s),
            )
        )
        if finish is not None:
            self._outcome = Outcome(finish, native, usage, cost_nano)

    def _elapsed_ms(self, until_s: float) -> int:
        return round((until_s - self._started_s) * 1000)


def _trimmed(chunk: ChatChunk, limit_tokens: int) -> ChatChunk:
    """Cut the text of the chunk that went past the limit, in proportion where its tokens are known."""
    if chunk.usage is None or chunk.usage.completion_tokens <= limit_tokens:
        return chunk
    keep = len(chunk.text) * limit_tokens // chunk.usage.completion_tokens
    return replace(chunk, text=chunk.text[:keep])
