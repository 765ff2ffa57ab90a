"""Server-sent events as bytes: frames, comments, and the iterable that the WSGI server sends from.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from collections.abc import Callable, Generator, Iterator

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
COMMENT = b": waiting for the provider\n\n"
"""What keeps a silent connection open; clients skip it."""


_LINE_ENDS = (
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
    ("\u0085".encode(), b"\\u0085"),
)
"""What line readers of clients (httpx's, requests') take for the end of a line, and JSON's escape of it."""


def frame(data: bytes, *, event: bytes = b"") -> bytes:
    """Return one event; `data` is a single line of JSON, `event` its type where it has one."""
    if not data.isascii() and (b"\xe2\x80" in data or b"\xc2\x85" in data):
        for sign, escape in _LINE_ENDS:
            data = data.replace(sign, escape)
    if event:
        return b"event: " + event + b"\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"


class EventStream:
    """An iterable of frames; the WSGI server calls `close` however the sending ends.

    Not a generator: one that was never started would skip its `finally`.
    """

    def __init__(
        self, frames: Generator[bytes, None, None], *, on_close: Callable[[], None]
    ) -> None:
        self._frames = frames
        self._on_close = on_close
        self._last: Callable[[], None] = _nothing

    def finally_call(self, last: Callable[[], None]) -> None:
        """Have `last` called, once, when all else has been closed."""
        self._last = last

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._frames)

    def close(self) -> None:
        """End the frames wherever they stand, then call `on_close`, once."""
        self._frames.close()
        on_close, self._on_close = self._on_close, _nothing
        last, self._last = self._last, _nothing
        try:
            on_close()
        finally:
            last()


def _nothing() -> None:
    """Do nothing: the stream is closed already."""
