"""A stream of chunks → one completion: the plain answer is the streamed one, collected."""

from dataclasses import dataclass

from gateway.pipeline.stream import CompletionStream
from gateway.providers.chat_types import ToolCall


@dataclass(frozen=True, slots=True)
class Completion:
    """What a whole answer says; how it ended is the stream's `outcome`."""

    text: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]


def collect(stream: CompletionStream) -> Completion:
    """Read `stream` to its end. Raises what it raises."""
    texts: list[str] = []
    reasonings: list[str] = []
    calls: dict[int, ToolCall] = {}
    for chunk in stream:
        texts.append(chunk.text)
        reasonings.append(chunk.reasoning)
        for piece in chunk.tool_calls:
            begun = calls.get(piece.index, ToolCall("", "", ""))
            calls[piece.index] = ToolCall(
                piece.id or begun.id, piece.name or begun.name, begun.arguments + piece.arguments
            )
    return Completion(
        text="".join(texts),
        reasoning="".join(reasonings),
        tool_calls=tuple(calls[index] for index in sorted(calls)),
    )
