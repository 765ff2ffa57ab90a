"""Stop sequences, which no provider has: cut the text before the first of them, across chunks. Pure."""

import contextlib
import itertools
from collections.abc import Generator, Iterable

from gateway.pipeline.emulation.answer import Complete
from gateway.providers.chat_types import ChatChunk, ChatRequest, TokenLogprob
from gateway.providers.tick import Tick


def with_stop_sequences(complete: Complete) -> Complete:
    """Honour `stop` here and not upstream. A JSON document is never cut: stop sequences are for prose.

    Who asks for both is told by the adaptation `stop=ignored`.
    """

    def stopped(request: ChatRequest) -> Generator[Tick | ChatChunk, None, None]:
        if not request.stop:
            return complete(request)
        wanted = request.response_format
        chunks = complete(request._replace(stop=()))
        return _cut(chunks, request.stop) if wanted is None or wanted.kind == "text" else chunks

    return stopped


def _cut(
    chunks: Generator[Tick | ChatChunk, None, None], sequences: tuple[str, ...]
) -> Generator[Tick | ChatChunk, None, None]:
    with contextlib.closing(chunks):
        yield from stop_at(chunks, sequences)


def stop_at(
    chunks: Iterable[Tick | ChatChunk], sequences: tuple[str, ...]
) -> Generator[Tick | ChatChunk, None, None]:
    """Yield `chunks` up to the first of `sequences`; the last one has finish reason `stop`.

    What a filter says in place of the model is not searched. Characters are held back while they may be the
    beginning of a sequence. Chunks after the cut are not read.
    """
    held = ""
    for chunk in chunks:
        if isinstance(chunk, Tick):
            yield chunk
            continue
        text = held + chunk.text
        found = [(at, each) for each in sequences if (at := text.find(each)) >= 0]
        if found and chunk.finish_reason != "content_filter":
            at, sequence = min(found)
            yield chunk._replace(
                text=text[:at],
                logprobs=_within(chunk.logprobs, at - len(held)),
                tool_calls=(),
                finish_reason="stop",
                stop_sequence=sequence,
            )
            return
        keep = 0 if chunk.finish_reason else _possible_beginning(text, sequences)
        held = text[len(text) - keep :]
        passed = text[: len(text) - keep]
        yield chunk if passed == chunk.text else chunk._replace(text=passed)


def _within(tokens: tuple[TokenLogprob, ...], characters: int) -> tuple[TokenLogprob, ...]:
    """Return the first tokens, as many as lie whole within so many characters."""
    ends = itertools.accumulate(len(token.token) for token in tokens)
    return tuple(token for token, end in zip(tokens, ends, strict=True) if end <= characters)


def _possible_beginning(text: str, sequences: tuple[str, ...]) -> int:
    """Return how many of the last characters of `text` begin one of `sequences`."""
    longest = min(len(text), max(map(len, sequences)) - 1)
    for size in range(longest, 0, -1):
        tail = text[-size:]
        if any(sequence.startswith(tail) for sequence in sequences):
            return size
    return 0
