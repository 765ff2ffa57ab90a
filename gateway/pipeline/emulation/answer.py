"""One whole answer of a provider, gathered from its chunks, and what all wrappers share."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from gateway.pipeline import token_estimate
from gateway.providers.chat_types import (
    ChatChunk,
    ChatRequest,
    FinishReason,
    Message,
    TokenLogprob,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from gateway.providers.tick import TICK, TICK_S, Tick

Complete = Callable[[ChatRequest], Generator[Tick | ChatChunk, None, None]]
"""Asks one route once and yields its chunks, ticks included. Raises ProviderError."""


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """Everything in a provider's answer. `finish_reason` is None until it ends."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason | None = None
    native_finish_reason: str | None = None
    usage: Usage | None = None
    rewritten: bool = False
    has_invalid_calls: bool = False
    refusal: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()

    @property
    def is_cut(self) -> bool:
        """Whether it was cut short by the length limit or a filter."""
        return self.finish_reason in ("length", "content_filter")

    def with_chunk(self, chunk: ChatChunk) -> "WholeAnswer":
        """Return the answer with `chunk` appended."""
        return WholeAnswer(
            text=self.text + chunk.text,
            reasoning=self.reasoning + chunk.reasoning,
            calls=_joined_calls(self.calls, chunk.tool_calls) if chunk.tool_calls else self.calls,
            finish_reason=chunk.finish_reason or self.finish_reason,
            native_finish_reason=chunk.native_finish_reason or self.native_finish_reason,
            usage=chunk.usage or self.usage,
            rewritten=self.rewritten or chunk.rewritten,
            has_invalid_calls=self.has_invalid_calls or chunk.has_invalid_calls,
            refusal=self.refusal + chunk.refusal,
            logprobs=self.logprobs + chunk.logprobs if chunk.logprobs else self.logprobs,
        )

    def chunk(self) -> ChatChunk:
        """Return the whole answer as one chunk."""
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
            has_invalid_calls=self.has_invalid_calls,
            refusal=self.refusal,
            logprobs=self.logprobs,
        )

    def instead_of(self, first: "WholeAnswer") -> "WholeAnswer":
        """Return this repaired answer with the usage to charge: no caller pays for a repair.

        Prompt tokens are those of the `first` answer, completion tokens this one's; no usage where either
        count is missing.
        """
        if first.usage is None or self.usage is None:
            return replace(self, usage=None)
        paid = first.usage._replace(
            completion_tokens=self.usage.completion_tokens,
            reasoning_tokens=self.usage.reasoning_tokens,
        )
        return replace(self, usage=paid)


def gather(
    chunks: Generator[Tick | ChatChunk, None, None], request: ChatRequest
) -> Generator[Tick, None, WholeAnswer]:
    """Read an answer to its end and return it; yield a tick every TICK_S meanwhile.

    An answer far longer than `request.max_tokens` is cut there, with finish reason `length`.
    """
    answer = WholeAnswer()
    pieces: list[str] = []
    most = most_characters(request)
    size = 0
    spoken_s = time.monotonic()
    try:
        for chunk in chunks:
            if isinstance(chunk, Tick):
                if answer.finish_reason is not None:
                    break
                spoken_s = time.monotonic()
                yield chunk
                continue
            if time.monotonic() - spoken_s >= TICK_S:
                spoken_s = time.monotonic()
                yield TICK
            pieces.append(chunk.text)
            size += len(chunk.text) + len(chunk.refusal) + len(chunk.reasoning)
            answer = answer.with_chunk(chunk._replace(text=""))
            is_filtered = chunk.finish_reason == "content_filter"
            if most is not None and size > most and not is_filtered:
                answer = replace(answer, calls=(), finish_reason="length")
                break
    finally:
        chunks.close()
    return replace(answer, text="".join(pieces))


def most_characters(request: ChatRequest) -> int | None:
    """Return the length past which an answer cannot be within `request.max_tokens`; None: no limit."""
    return (
        None if request.max_tokens is None else token_estimate.most_characters(request.max_tokens)
    )


def with_instruction(request: ChatRequest, instruction: str) -> ChatRequest:
    """Return the request with one more system message after the leading ones."""
    messages = request.messages
    place = next(
        (index for index, message in enumerate(messages) if message.role != "system"),
        len(messages),
    )
    instructed = (*messages[:place], Message("system", instruction), *messages[place:])
    return request._replace(messages=instructed)


def _joined_calls(
    calls: tuple[ToolCall, ...], pieces: tuple[ToolCallDelta, ...]
) -> tuple[ToolCall, ...]:
    joined = dict(enumerate(calls))
    for piece in pieces:
        begun = joined.get(piece.index, ToolCall("", "", ""))
        joined[piece.index] = ToolCall(
            piece.id or begun.id, piece.name or begun.name, begun.arguments + piece.arguments
        )
    return tuple(joined[index] for index in sorted(joined))
