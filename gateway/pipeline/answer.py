"""One whole answer of a provider, gathered from its chunks, and what all layers around a provider share."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from gateway.pipeline.meter import MOST_CHARACTERS_PER_TOKEN, OVERRUN_SLACK_CHARACTERS
from gateway.providers.base import TICK_S
from gateway.providers.chat_types import (
    TICK,
    ChatChunk,
    ChatRequest,
    FinishReason,
    Message,
    ToolCall,
    ToolCallDelta,
    Usage,
)

Complete = Callable[[ChatRequest], Generator[ChatChunk, None, None]]
"""Asks one route once and yields its answer, ticks included; raises the tree of providers/errors.py."""

RAW_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Answer:
    """All that a provider said. `finish_reason` is None as long as it goes on."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason | None = None
    native_finish_reason: str | None = None
    usage: Usage | None = None
    rewritten: bool = False

    @property
    def is_cut(self) -> bool:
        """Whether it ended before the model had said what it wanted to."""
        return self.finish_reason in ("length", "content_filter")

    def with_chunk(self, chunk: ChatChunk) -> "Answer":
        """Return the answer with what `chunk` adds to it."""
        return Answer(
            text=self.text + chunk.text,
            reasoning=self.reasoning + chunk.reasoning,
            calls=_joined(self.calls, chunk.tool_calls) if chunk.tool_calls else self.calls,
            finish_reason=chunk.finish_reason or self.finish_reason,
            native_finish_reason=chunk.native_finish_reason or self.native_finish_reason,
            usage=chunk.usage or self.usage,
            rewritten=self.rewritten or chunk.rewritten,
        )

    def chunk(self) -> ChatChunk:
        """Write the answer as the one chunk that says it all."""
        return ChatChunk(
            text=self.text,
            reasoning=self.reasoning,
            tool_calls=tuple(
                ToolCallDelta(index, call.id, call.name, call.arguments)
                for index, call in enumerate(self.calls)
            ),
            finish_reason=self.finish_reason,
            native_finish_reason=self.native_finish_reason,
            usage=self.usage,
            rewritten=self.rewritten,
        )

    def instead_of(self, first: "Answer") -> "Answer":
        """Return this answer with the usage of one that was right at once: no caller pays for a repair.

        The prompt is the first one's, the completion this one's. Where either count is missing there
        is none.
        """
        if first.usage is None or self.usage is None:
            return replace(self, usage=None)
        paid = replace(
            first.usage,
            completion_tokens=self.usage.completion_tokens,
            reasoning_tokens=self.usage.reasoning_tokens,
        )
        return replace(self, usage=paid)


def gather(
    chunks: Generator[ChatChunk, None, None], request: ChatRequest
) -> Generator[ChatChunk, None, Answer]:
    """Read an answer to its end and return it; yield ticks meanwhile, also while chunks come.

    An answer far longer than `request.max_tokens` is left there, with finish reason `length`.
    """
    answer = Answer()
    pieces: list[str] = []
    most = most_characters(request)
    size = 0
    spoken_s = time.monotonic()
    try:
        for chunk in chunks:
            if chunk == TICK and answer.finish_reason is not None:
                break
            if chunk == TICK or time.monotonic() - spoken_s >= TICK_S:
                spoken_s = time.monotonic()
                yield TICK
            pieces.append(chunk.text)
            size += len(chunk.text) + len(chunk.reasoning)
            answer = answer.with_chunk(replace(chunk, text=""))
            if most is not None and size > most:
                answer = replace(answer, calls=(), finish_reason="length")
                break
    finally:
        chunks.close()
    return replace(answer, text="".join(pieces))


def most_characters(request: ChatRequest) -> int | None:
    """Return the length past which an answer cannot be within `max_tokens`."""
    if request.max_tokens is None:
        return None
    return MOST_CHARACTERS_PER_TOKEN * request.max_tokens + OVERRUN_SLACK_CHARACTERS


def with_instruction(request: ChatRequest, instruction: str) -> ChatRequest:
    """Return the request with one more system message, behind those at its beginning."""
    messages = request.messages
    place = next(
        (index for index, message in enumerate(messages) if message.role != "system"),
        len(messages),
    )
    told = (*messages[:place], Message("system", instruction), *messages[place:])
    return replace(request, messages=told)


def _joined(calls: tuple[ToolCall, ...], pieces: tuple[ToolCallDelta, ...]) -> tuple[ToolCall, ...]:
    joined = dict(enumerate(calls))
    for piece in pieces:
        begun = joined.get(piece.index, ToolCall("", "", ""))
        joined[piece.index] = ToolCall(
            piece.id or begun.id, piece.name or begun.name, begun.arguments + piece.arguments
        )
    return tuple(joined[index] for index in sorted(joined))
