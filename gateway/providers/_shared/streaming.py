"""Lines or the whole body of an answer -> the chunks of a completion, with ticks in between."""

from collections.abc import Generator, Iterator
from time import monotonic
from typing import Protocol

from gateway.providers._shared.http_client import EVENT_STREAM, JSON, HttpResponse
from gateway.providers.chat_types import ChatChunk
from gateway.providers.errors import ProviderError
from gateway.providers.tick import TICK, Tick


class ChunkReader(Protocol):
    """Parses one answer. Each method raises ProviderError on what is garbled, cut or an error.

    `done` becomes true with the line behind which nothing more is read.
    """

    done: bool

    @property
    def has_finished(self) -> bool:
        """Whether the finish reason has come: the words are whole then, and only the connection can break."""
        ...

    def line(self, line: bytes) -> ChatChunk | None:
        """Parse one line of a stream; None if the caller gets nothing of it."""
        ...

    def end(self) -> ChatChunk | None:
        """Parse what is left at the end of a stream."""
        ...

    def whole(self, body: bytes) -> ChatChunk:
        """Parse an answer that was not streamed."""
        ...


def is_event_stream(response: HttpResponse, *, asked: bool) -> bool:
    """Tell whether an answer is streamed: its content type goes before what was `asked`.

    Servers that cannot stream answer as a whole.
    """
    content_type = response.headers.get("content-type", "").lower()
    if content_type.startswith(JSON):
        return False
    return asked or content_type.startswith(EVENT_STREAM)


def read_answer(
    response: HttpResponse, reader: ChunkReader, *, is_streamed: bool
) -> Generator[Tick | ChatChunk, None, None]:
    """Yield the chunks of a stream as they come, or the one chunk of a whole answer.

    A tick is due after silence, and as well while only comments or withheld words come: the server
    is alive, and the caller hears nothing.
    """
    if not is_streamed:
        yield reader.whole((yield from response.read()))
        return
    yielded_s = monotonic()
    for line in _lines(response, reader):
        chunk = line if isinstance(line, Tick) else reader.line(line)
        if chunk is None and monotonic() - yielded_s >= response.tick_s:
            chunk = TICK
        if chunk is not None:
            yield chunk
            yielded_s = monotonic()
        if reader.done:
            response.drain()
            break
    last = reader.end()
    if last is not None:
        yield last


def _lines(response: HttpResponse, reader: ChunkReader) -> Iterator[Tick | bytes]:
    """Yield the lines of an answer until its connection breaks, which is no failure once it has finished."""
    try:
        yield from response.lines()
    except ProviderError:
        if not reader.has_finished:
            raise
