"""What one request to a provider tells of the provider's health: the chunks pass, and are noted."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

from gateway.health.events import Kind, Note
from gateway.pipeline.lifeline import CallerLifeline
from gateway.pipeline.meter import (
    MOST_CHARACTERS_PER_TOKEN,
    MOST_CHUNKS_PER_TOKEN,
    OVERRUN_SLACK_CHARACTERS,
    OVERRUN_SLACK_CHUNKS,
)
from gateway.providers import errors
from gateway.providers.chat_types import TICK, ChatChunk, ChatRequest

DEFAULT_BUSY_S = 5.0
LONGEST_BUSY_S = 60.0
OVERRUN_FACTOR = 2
OVERRUN_SLACK_TOKENS = 16


@dataclass(slots=True)
class Watch:
    """Tells what comes of asking one route with one credential. `probes` are given back with the first note."""

    provider: str
    credential: str
    upstream_id: str
    tell: Callable[[Note], None]
    probes: tuple[tuple[str, str], ...] = ()
    is_counted: bool = True

    def answered(self) -> None:
        """Note the first chunk: it is what a probe is to show."""
        if self.probes:
            self.ended("answered")

    def failed(self, error: errors.ProviderError) -> None:
        """Note a failure."""
        told_s = DEFAULT_BUSY_S if error.retry_after_s is None else error.retry_after_s
        self.ended(kind_of(error), retry_after_s=min(LONGEST_BUSY_S, max(1, told_s)))

    def ended(
        self,
        kind: Kind,
        *,
        is_streamed: bool = False,
        first_s: float | None = None,
        tokens: int = 0,
        spoken_s: float = 0.0,
        retry_after_s: float = 0.0,
    ) -> None:
        """Note how it ended."""
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
        )
        self.probes = ()
        self.tell(note)


def kind_of(error: errors.ProviderError) -> Kind:
    """Say what a failure tells of the provider."""
    match error:
        case errors.ProviderRejected():
            return "rejected"
        case errors.ProviderRateLimited():
            return "busy"
        case errors.ProviderAuthError():
            return "refused"
        case errors.ProviderUnavailable(status=404):
            return "missing"
    return "failed"


def observed(
    chunks: Generator[ChatChunk, None, None],
    watch: Watch | None,
    request: ChatRequest,
    lifeline: CallerLifeline,
) -> Generator[ChatChunk, None, None]:
    """Yield the chunks of one answer of a provider, and note how it went; None as `watch`: nobody does."""
    if watch is None:
        yield from chunks
        return
    began_s = time.monotonic()
    first_s = last_s = None
    kept: list[ChatChunk] = []
    characters = count = 0
    failure: errors.ProviderError | None = None
    is_whole = False
    try:
        for chunk in chunks:
            if chunk != TICK:
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
        if failure is not None and not lifeline.is_cut:
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
    """Say whether the provider spoke far past what it was asked for, which no honest one does."""
    return max_tokens is not None and (
        tokens > OVERRUN_FACTOR * max_tokens + OVERRUN_SLACK_TOKENS
        or characters > MOST_CHARACTERS_PER_TOKEN * max_tokens + OVERRUN_SLACK_CHARACTERS
        or chunks > MOST_CHUNKS_PER_TOKEN * max_tokens + OVERRUN_SLACK_CHUNKS
    )
