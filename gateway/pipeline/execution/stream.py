"""One running completion: stream its chunks, meter them, and settle exactly once."""

import logging
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from billing.ledger.charges import ChargeRule
from billing.limits.forgiveness import FREE_AN_HOUR
from billing.limits.request_limits import Admission
from gateway.pipeline import token_estimate
from gateway.pipeline.candidate import Candidate
from gateway.pipeline.emulation.unusable_answer import UnusableAnswer
from gateway.pipeline.execution.attempts import Attempt, Attempts
from gateway.pipeline.execution.cancel_token import CallerCancelToken
from gateway.pipeline.execution.meter import Meter
from gateway.providers.chat_types import ChatChunk, FinishReason, TokenLogprob, ToolCall, Usage
from gateway.providers.errors import ProviderError, ProviderRejected, UnsupportedInput
from gateway.providers.tick import TICK, TICK_S, Tick
from infra import request_facts

logger = logging.getLogger(__name__)

FIRST_EVENT_WAIT_S = 10.0
"""How long the HTTP status of a streamed answer waits for the provider's first event."""

QUEUE_WAIT_S = 2.0
"""How long it waits for a slot that may come free only after FIRST_EVENT_WAIT_S."""

NOTHING = Usage(0, 0)
_NO_NAMES: Mapping[str, str] = {}

CHARGED_NOTE = (
    f" What it used is charged, for {FREE_AN_HOUR} such answers in an hour are free and this account has"
    " had them: change the schema or the tools, or take another model."
)


class ClientDisconnected(Exception):
    """The client disconnected before the answer ended."""


class Report(NamedTuple):
    """What is known of a completion when it ends, for its settlement and its record."""

    candidate: Candidate
    rule: ChargeRule
    usage: Usage
    finish_reason: FinishReason | None
    native_finish_reason: str | None
    is_cancelled: bool
    is_rewritten: bool
    has_invalid_calls: bool
    failure: Exception | None
    attempts: tuple[Attempt, ...]
    latency_ms: int
    time_to_first_token_ms: int | None
    queued_ms: int = 0
    """What was waited for upstream slots."""


class Settle(Protocol):
    """Settles a report and returns the charge in nano-credits."""

    def __call__(self, report: Report) -> int: ...


class CompletionOutcome(NamedTuple):
    """The result of a settled completion. `cost_nano` is what the account was charged.

    `stop_sequence` is the one of the request's that ended the answer.
    """

    finish_reason: FinishReason
    native_finish_reason: str | None
    usage: Usage
    cost_nano: int
    stop_sequence: str | None = None


class SettledUsage(NamedTuple):
    """What a completion used and was charged, however it ended."""

    usage: Usage
    cost_nano: int


class CompletionStream:
    """Iterate over the chunks of an answer, ticks included; `outcome` is set when that has ended.

    It is settled once, however it ends: at the end of the answer before StopIteration, at a failure before
    it is raised, or in `close`. Raises ProviderError, and after the cancel token was cancelled its reason,
    or ClientDisconnected. `names` are the caller's own for what UnsupportedInput names.
    """

    def __init__(
        self,
        *,
        identity: str,
        created_s: int,
        attempts: Attempts[Candidate, ChatChunk],
        cancel_token: CallerCancelToken,
        settle: Settle,
        count_tokens: Callable[[Candidate, Sequence[str]], list[int]],
        is_forgiven: Callable[[], bool],
        admission: Admission,
        ignored: Sequence[str],
        hides_reasoning: bool = False,
        choices: int = 1,
        names: Mapping[str, str] = _NO_NAMES,
    ) -> None:
        self.id = identity
        self.created_s = created_s
        self._attempts = attempts
        self._cancel_token = cancel_token
        self._settle = settle
        self._count_tokens = count_tokens
        self._is_forgiven = is_forgiven
        self.admission = admission
        self.ignored = ignored
        self._hides_reasoning = hides_reasoning
        self.choices = choices
        self._names = names
        self._started_s = time.monotonic()
        self._first_s: float | None = None
        self._metered = attempts.current
        self._meter = self._new_meter()
        self._has_sent = False
        self.is_rewritten = False
        self.has_invalid_calls = False
        self._stop_sequence: str | None = None
        self._is_settled = False
        self._outcome: CompletionOutcome | None = None
        self._facts = request_facts.current()
        self.settled: SettledUsage | None = None
        self._chunks = self._run()
        self._primed: Tick | ChatChunk | None = None

    @property
    def candidate(self) -> Candidate:
        """The candidate that answers, or is being asked."""
        return self._attempts.current

    @property
    def attempts_made(self) -> int:
        return max(1, len(self._attempts.history))

    @property
    def outcome(self) -> CompletionOutcome:
        """The result; available when the iteration has ended without an exception."""
        if self._outcome is None:
            raise AssertionError("The completion has not ended.")
        return self._outcome

    @property
    def estimated_prompt_tokens(self) -> int:
        """An estimate of the prompt, before the provider has counted it."""
        return token_estimate.prompt_tokens(self.candidate.request)

    def __iter__(self) -> "CompletionStream":
        return self

    def __next__(self) -> Tick | ChatChunk:
        if self._primed is not None:
            chunk, self._primed = self._primed, None
            return chunk
        return next(self._chunks)

    def prime(self) -> None:
        """Wait for the provider's first event, at most FIRST_EVENT_WAIT_S. Raises failures until then.

        In a long queue it waits for QUEUE_WAIT_S alone: the caller sees comments from then on.
        """
        give_up_s = self._started_s + FIRST_EVENT_WAIT_S
        queue = self._attempts.queue
        for chunk in self._chunks:
            self._primed = chunk
            if not isinstance(chunk, Tick):
                return
            now_s = time.monotonic()
            is_long = queue.waited_here_s >= QUEUE_WAIT_S and now_s + queue.left_s > give_up_s
            if is_long or now_s + TICK_S > give_up_s:
                return

    def close(self) -> None:
        """End the completion wherever it stands: as cancelled, unless it had ended."""
        self._chunks.close()
        if not self._is_settled:
            self._report(is_cancelled=True)

    def _run(self) -> Generator[Tick | ChatChunk, None, None]:
        finish: FinishReason | None = None
        native: str | None = None
        has_ended = False
        chunks = self._attempts.chunks()
        yielded_s = time.monotonic()
        try:
            for chunk in chunks:
                if self._cancel_token.is_cancelled:
                    raise ClientDisconnected  # its reason is given below
                if isinstance(chunk, Tick):
                    if has_ended:
                        break  # what is still open after the finish mark is not waited for
                    yield chunk
                    yielded_s = time.monotonic()
                    continue
                self._take(chunk)
                if chunk.finish_reason is not None:
                    has_ended = chunk.choice == self.choices - 1
                    if finish is None or chunk.finish_reason != "content_filter":
                        finish = chunk.finish_reason
                native = chunk.native_finish_reason or native
                self._stop_sequence = chunk.stop_sequence
                # What a filter says in place of the model is no answer that could be too long.
                is_filtered = chunk.finish_reason == "content_filter"
                max_tokens = None if is_filtered else self.candidate.request.max_tokens
                if max_tokens is not None and self._meter.is_over(max_tokens * self.choices):
                    limit_tokens = max_tokens * self.choices
                    yield _trimmed(chunk, limit_tokens, self._hides_reasoning)
                    self._report("length", native, limit_tokens=limit_tokens)
                    return
                if self._hides_reasoning and chunk.reasoning:
                    chunk = chunk._replace(reasoning="")
                is_end_of_choice = self.choices > 1 and chunk.finish_reason is not None
                is_said = chunk.text or chunk.refusal or chunk.reasoning or chunk.tool_calls
                if is_said or is_end_of_choice:
                    self._has_sent = self.candidate.request.stream
                    yield chunk
                    yielded_s = time.monotonic()
                elif not has_ended and time.monotonic() - yielded_s >= TICK_S:
                    # The provider speaks, and all of it is held back.
                    yield TICK
                    yielded_s = time.monotonic()
        except GeneratorExit:
            raise
        except (ProviderError, ClientDisconnected) as error:
            if isinstance(error, ProviderRejected) and error.param is not None:
                error.param = self._names.get(error.param, error.param)
            if not self._cancel_token.is_cancelled:
                self._report(failure=error, used=self._charged_for(error))
                raise
            reason = self._cancel_token.reason
            self._report(is_cancelled=True, failure=reason)
            raise reason or ClientDisconnected from error
        except UnsupportedInput as error:
            error.param = self._names.get(error.param, error.param)
            self._report(failure=error)
            raise
        except Exception as error:
            self._report(failure=error)
            raise
        finally:
            chunks.close()
        self._report(finish or "stop", native)

    def _new_meter(self) -> Meter:
        return Meter(context_tokens=self.choices * self._metered.route.profile.context_tokens)

    def _take(self, chunk: ChatChunk) -> None:
        if self._first_s is None:
            self._first_s = time.monotonic()
        if self._metered is not self.candidate:
            # Hidden thoughts of a candidate that failed behind them are no part of this answer.
            self._metered = self.candidate
            self._meter = self._new_meter()
        self._meter.take(chunk)
        self.is_rewritten = self.is_rewritten or chunk.rewritten
        self.has_invalid_calls = self.has_invalid_calls or chunk.has_invalid_calls

    def _report(
        self,
        finish: FinishReason | None = None,
        native: str | None = None,
        *,
        limit_tokens: int | None = None,
        is_cancelled: bool = False,
        failure: Exception | None = None,
        used: Usage | None = None,
    ) -> None:
        """Settle. An answer without output costs nothing, unless what it `used` is to be charged.

        Nor does half a batch, nor one that a filter ended in every choice, nor a broken answer of which the
        caller has seen nothing. One that was too long, and was cut at `limit_tokens`, has as many.
        """
        self._is_settled = True
        is_filtered = finish == "content_filter"
        has_output = self._meter.has_output and (finish is not None or self._has_sent)
        usage = NOTHING
        rule: ChargeRule
        if has_output or finish is not None:
            candidate = self.candidate
            usage = self._meter.final_usage(
                candidate.request, partial(self._count_tokens, candidate)
            )
        if limit_tokens is not None:
            usage = _at_most(usage, limit_tokens)
        if is_filtered and self.candidate.request.stream and self.choices == 1:
            used = self._meter.usage_before_filter(
                self.candidate.request, partial(self._count_tokens, self.candidate)
            )
        is_half = failure is not None and not is_cancelled and self.choices > 1
        if used is not None:
            usage, rule = used, "cut"
        elif not has_output or is_filtered or is_half:
            rule = "void"
        elif finish is None or limit_tokens is not None:
            rule = "cut"
        else:
            rule = "finished"
        report = Report(
            candidate=self.candidate,
            rule=rule,
            usage=usage,
            finish_reason=finish,
            native_finish_reason=native,
            is_cancelled=is_cancelled,
            is_rewritten=self.is_rewritten,
            has_invalid_calls=self.has_invalid_calls,
            failure=failure,
            attempts=tuple(self._attempts.history),
            latency_ms=self._elapsed_ms(time.monotonic()),
            time_to_first_token_ms=None
            if self._first_s is None
            else self._elapsed_ms(self._first_s),
            queued_ms=self._attempts.queue.waited_ms,
        )
        cost_nano = self._settle(report)
        self._note(report, cost_nano)
        self.settled = SettledUsage(usage, cost_nano)
        if finish is not None:
            self._outcome = CompletionOutcome(finish, native, usage, cost_nano, self._stop_sequence)

    def _note(self, report: Report, cost_nano: int) -> None:
        """Note what the request's log line and metrics say of its completion."""
        facts = self._facts
        facts.generation = self.id
        facts.model = report.candidate.model.id
        facts.provider = report.candidate.route.provider
        facts.attempts = self.attempts_made
        facts.queued_ms = report.queued_ms
        facts.first_token_ms = report.time_to_first_token_ms
        facts.tokens_prompt = report.usage.prompt_tokens
        facts.tokens_cached = report.usage.cached_tokens
        facts.tokens_completion = report.usage.completion_tokens
        facts.charge_nano = cost_nano

    def _charged_for(self, error: Exception) -> Usage | None:
        """Return what an answer that nobody can use has used, if it is to be paid, and say so in the error.

        Where words of it have been delivered, those are charged instead.
        """
        if not isinstance(error, UnusableAnswer) or self._has_sent or self._is_forgiven():
            return None
        error.message += CHARGED_NOTE
        return self._meter.plausible(error.usage)

    def _elapsed_ms(self, until_s: float) -> int:
        return round((until_s - self._started_s) * 1000)


class Completion(NamedTuple):
    """A whole answer; how it ended is the stream's `outcome`.

    Of several choices it is the first, and `others` are the rest; each has the `finish_reason` of its own.
    """

    text: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: FinishReason | None = None
    native_finish_reason: str | None = None
    others: tuple["Completion", ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    refusal: str = ""


class _Gathered:
    """The chunks of one choice so far."""

    __slots__ = (
        "calls",
        "finish_reason",
        "logprobs",
        "native_finish_reason",
        "reasonings",
        "refusals",
        "texts",
    )

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.reasonings: list[str] = []
        self.refusals: list[str] = []
        self.calls: dict[int, ToolCall] = {}
        self.logprobs: tuple[TokenLogprob, ...] = ()
        self.finish_reason: FinishReason | None = None
        self.native_finish_reason: str | None = None

    def take(self, chunk: ChatChunk) -> None:
        self.texts.append(chunk.text)
        self.reasonings.append(chunk.reasoning)
        self.refusals.append(chunk.refusal)
        if chunk.logprobs:
            self.logprobs += chunk.logprobs
        for piece in chunk.tool_calls:
            begun = self.calls.get(piece.index, ToolCall("", "", ""))
            self.calls[piece.index] = ToolCall(
                piece.id or begun.id, piece.name or begun.name, begun.arguments + piece.arguments
            )
        if chunk.finish_reason is not None:
            self.finish_reason = chunk.finish_reason
            self.native_finish_reason = chunk.native_finish_reason

    def completion(self, others: tuple[Completion, ...] = ()) -> Completion:
        return Completion(
            text="".join(self.texts),
            reasoning="".join(self.reasonings),
            tool_calls=tuple(self.calls[index] for index in sorted(self.calls)),
            finish_reason=self.finish_reason,
            native_finish_reason=self.native_finish_reason,
            others=others,
            logprobs=self.logprobs,
            refusal="".join(self.refusals),
        )


def collect(stream: CompletionStream) -> Completion:
    """Read `stream` to its end: the plain answer is the streamed one, collected. Raises what it raises."""
    choices = [_Gathered() for _ in range(stream.choices)]
    for chunk in stream:
        if not isinstance(chunk, Tick):
            choices[chunk.choice].take(chunk)
    first, *others = choices
    return first.completion(tuple(other.completion() for other in others))


def _at_most(usage: Usage, completion_tokens: int) -> Usage:
    return usage._replace(
        completion_tokens=min(usage.completion_tokens, completion_tokens),
        reasoning_tokens=min(usage.reasoning_tokens, completion_tokens),
    )


def _trimmed(chunk: ChatChunk, limit_tokens: int, hides_reasoning: bool) -> ChatChunk:
    """Shorten the chunk that went past the limit, in proportion where its token count is known."""
    if hides_reasoning:
        chunk = chunk._replace(reasoning="")
    if chunk.usage is None or chunk.usage.completion_tokens <= limit_tokens:
        return chunk
    used_tokens = chunk.usage.completion_tokens
    return chunk._replace(
        text=chunk.text[: len(chunk.text) * limit_tokens // used_tokens],
        refusal=chunk.refusal[: len(chunk.refusal) * limit_tokens // used_tokens],
    )
