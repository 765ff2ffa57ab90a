"""Report to `gateway.health` how each request to a provider went."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from gateway.health.events import Kind, Note
from gateway.pipeline import token_estimate
from gateway.pipeline.execution.cancel_token import CallerCancelToken
from gateway.providers import errors
from gateway.providers.chat_types import ChatChunk, ChatRequest
from gateway.providers.tick import Tick

T = TypeVar("T")

DEFAULT_BUSY_S = 5.0
LONGEST_BUSY_S = 60.0
OVERRUN_FACTOR = 2
OVERRUN_SLACK_TOKENS = 16


@dataclass(slots=True)
class AttemptWatch:
    """Reports what comes of asking one route with one credential.

    `tell` books a note; `probes` are half-open breakers' tokens, given back with the first note. What is
    not `is_counted` moves no breaker.
    """

    provider: str
    credential: str
    upstream_id: str
    tell: Callable[[Note], None]
    probes: tuple[tuple[str, str], ...] = ()
    is_counted: bool = True

    def answered(self) -> None:
        """Report the first chunk, which is all that a probe is for."""
        if self.probes:
            self.ended("answered")

    def failed(self, error: errors.ProviderError) -> None:
        """Report a failure."""
        busy_s = DEFAULT_BUSY_S if error.retry_after_s is None else error.retry_after_s
        cause = error.cause or error.raw or error.message
        self.ended(kind_of(error), retry_after_s=min(LONGEST_BUSY_S, max(1, busy_s)), cause=cause)

    def ended(
        self,
        kind: Kind,
        *,
        is_streamed: bool = False,
        first_s: float | None = None,
        tokens: int = 0,
        spoken_s: float = 0.0,
        retry_after_s: float = 0.0,
        cause: str = "",
    ) -> None:
        """Report the end. `first_s` is the time to the first chunk, `spoken_s` that of `tokens`."""
        note = Note(
            provider=self.provider,
            credential=self.credential,
            upstream_id=self.upstream_id,
            kind=kind,
            probes=self.probes,
            is_counted=self.is_counted,
            is_streamed=is_streamed,
            first_ms=None if first_s is None else round(1000 * first_s),
            tokens=tokens,
            spoken_ms=round(1000 * spoken_s),
            retry_after_ms=round(1000 * retry_after_s),
            cause=cause,
        )
        self.probes = ()
        self.tell(note)


def observed_call(ask: Callable[[], T], watch: AttemptWatch | None) -> T:
    """Return what `ask` returns of a provider without a stream, and report to `watch` how it went."""
    if watch is None:
        return ask()
    try:
        answer = ask()
    except errors.ProviderError as error:
        watch.failed(error)
        raise
    except BaseException:
        watch.ended("abandoned")
        raise
    watch.answered()
    watch.ended("finished")
    return answer


def kind_of(error: errors.ProviderError) -> Kind:
    """Classify a failure: `missing` and `unpaid` are the model's alone, `rejected` the request's.

    All else is the provider's.
    """
    match error:
        case errors.ProviderRejected():
            return "rejected"
        case errors.ProviderRateLimited():
            return "busy"
        case errors.ModelUnpaid():
            return "unpaid"
        case errors.ProviderAuthError():
            return "refused"
        case errors.ProviderUnavailable(status=404):
            return "missing"
    return "failed"


def observed(
    chunks: Generator[Tick | ChatChunk, None, None],
    watch: AttemptWatch | None,
    request: ChatRequest,
    cancel_token: CallerCancelToken,
) -> Generator[Tick | ChatChunk, None, None]:
    """Return the chunks of one answer, which report to `watch`, if there is one, how it went."""
    return chunks if watch is None else _observed(chunks, watch, request, cancel_token)


def _observed(
    chunks: Generator[Tick | ChatChunk, None, None],
    watch: AttemptWatch,
    request: ChatRequest,
    cancel_token: CallerCancelToken,
) -> Generator[Tick | ChatChunk, None, None]:
    began_s = time.monotonic()
    first_s = last_s = None
    kept: list[ChatChunk] = []
    characters = count = 0
    failure: errors.ProviderError | None = None
    is_whole = False
    try:
        for chunk in chunks:
            if not isinstance(chunk, Tick):
                last_s = time.monotonic()
                if first_s is None:
                    first_s = last_s
                    watch.answered()
                count += 1
                characters += len(chunk.text)
                if chunk.usage is not None:
                    kept = [chunk]
            yield chunk
        is_whole = True
    except errors.ProviderError as error:
        failure = error
        raise
    finally:
        chunks.close()
        tokens = kept[0].usage.completion_tokens if kept and kept[0].usage else 0
        if failure is not None and not cancel_token.is_cancelled:
            watch.failed(failure)
        elif first_s is None or last_s is None:
            watch.ended("failed" if is_whole else "abandoned")
        elif _is_overrun(request.max_tokens, tokens, characters, count):
            watch.ended("failed")
        else:
            watch.ended(
                "finished",
                is_streamed=request.stream,
                first_s=first_s - began_s,
                tokens=tokens if is_whole else 0,
                spoken_s=last_s - (first_s if request.stream else began_s),
            )


def _is_overrun(max_tokens: int | None, tokens: int, characters: int, chunks: int) -> bool:
    """Say whether the answer went far past `max_tokens`, which is a fault of the provider."""
    return max_tokens is not None and (
        tokens > OVERRUN_FACTOR * max_tokens + OVERRUN_SLACK_TOKENS
        or token_estimate.is_overrun(max_tokens, characters=characters, chunks=chunks)
    )
