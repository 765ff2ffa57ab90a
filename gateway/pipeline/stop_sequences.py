"""Stop sequences for providers that have none: cut the text before the first of them, across chunks. Pure."""

from collections.abc import Generator, Iterable
from dataclasses import replace

from gateway.providers.chat_types import ChatChunk


def stop_at(
    chunks: Iterable[ChatChunk], sequences: tuple[str, ...]
) -> Generator[ChatChunk, None, None]:
    """Yield `chunks` up to the first of `sequences`, then a chunk with finish reason `stop`.

    The last characters are held back while they may be the beginning of a sequence. The chunks
    behind the cut are not read: who closes this generator closes theirs.
    """
    held = ""
    for chunk in chunks:
        text = held + chunk.text
        found = [at for at in (text.find(sequence) for sequence in sequences) if at >= 0]
        if found:
            yield replace(
                chunk,
                text=text[: min(found)],
                tool_calls=(),
                finish_reason="stop",
            )
            return
        keep = 0 if chunk.finish_reason else _possible_beginning(text, sequences)
        held = text[len(text) - keep :]
        yield replace(chunk, text=text[: len(text) - keep])


def _possible_beginning(text: str, sequences: tuple[str, ...]) -> int:
    """Return how many of the last characters of `text` begin one of `sequences`."""
    longest = min(len(text), max(map(len, sequences)) - 1)
    for size in range(longest, 0, -1):
        tail = text[-size:]
        if any(sequence.startswith(tail) for sequence in sequences):
            return size
    return 0
