"""One keep-alive connection to a provider: its socket and its HTTP parser."""

import socket
from contextlib import suppress
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

RECEIVE_BYTES = 16_384
SEND_BYTES = 65_536
NO_BODY_STATUSES = (204, 304)
NOTHING = memoryview(b"")


class HttpConnection:
    """One socket, lent to one exchange at a time.

    Its owner reads the state of the present answer from the attributes: `status` is 0 until the
    head is there, `pieces` are the bytes of the body that nobody took yet, `barren_bytes` counts
    what came since the last of these (head, trailers), `received_bytes` counts everything.
    """

    __slots__ = (
        "_broken",
        "_ends_by_close",
        "_is_drained",
        "_outgoing",
        "_parser",
        "_refused",
        "_socket",
        "_wait_s",
        "aborted",
        "barren_bytes",
        "complete",
        "headers",
        "idle_since_s",
        "keep_alive",
        "pieces",
        "received_bytes",
        "reused",
        "status",
    )

    barren_bytes: int
    complete: bool
    headers: dict[str, str]
    keep_alive: bool
    pieces: list[bytes]
    received_bytes: int
    status: int
    _broken: HttpParserError | HttpParserUpgrade | None
    _ends_by_close: bool
    _outgoing: memoryview
    _refused: bool

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._parser = HttpResponseParser(self)
        self._is_drained = False
        self._wait_s = connected.gettimeout()
        self.idle_since_s = 0.0
        self.reused = False
        self.aborted = False
        self._reset()

    def begin(self, request: bytes) -> None:
        """Set the next request; `transmit` sends it."""
        self._outgoing = memoryview(request)
        self._is_drained = True

    @property
    def sending(self) -> bool:
        return len(self._outgoing) > 0 and not self._refused

    @property
    def reusable(self) -> bool:
        return self.complete and self.keep_alive and not self.aborted and not self._outgoing

    def transmit(self, wait_s: float) -> None:
        """Send a piece of the request. Raises TimeoutError if the peer takes none for `wait_s`."""
        self._set_timeout(wait_s)
        try:
            sent = self._socket.send(self._outgoing[:SEND_BYTES])
        except TimeoutError:
            raise
        except OSError:
            # A peer may refuse a large request before it has read it: its answer is to be read yet.
            self._refused = True
            return
        left = self._outgoing[sent:]
        # An empty view of the request would keep all of it in memory for as long as its answer lasts.
        self._outgoing = left if left else NOTHING

    def receive(self, wait_s: float) -> None:
        """Feed the parser once.

        Raises TimeoutError after `wait_s` of silence, EOFError when the answer was cut, OSError,
        HttpParserError or HttpParserUpgrade on what is no HTTP.
        """
        if self._broken is not None:
            raise self._broken
        self._set_timeout(wait_s)
        if self._is_drained:
            _wait_under_gevent(self._socket)
        data = self._socket.recv(RECEIVE_BYTES)
        self._is_drained = len(data) < RECEIVE_BYTES
        if not data:
            if not self._ends_by_close:
                raise EOFError
            self.complete = True
            return
        self.received_bytes += len(data)
        self.barren_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if self.complete:
                self.keep_alive = False
            elif self.status and self.pieces:
                # What came before the fault is delivered first.
                self._broken = error
            else:
                raise

    def is_quiet(self) -> bool:
        """Tell whether an idle connection can be used again: open, and nothing to read."""
        self._set_timeout(0.0)
        try:
            # The plain socket's method, because a TLS one cannot peek.
            socket.socket.recv(self._socket, 1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def reuse(self) -> None:
        """Prepare for the next request."""
        self.reused = True
        self._reset()

    def abort(self) -> None:
        """Shut the socket down, from any thread; a blocked reader wakes."""
        self.aborted = True
        with suppress(OSError):
            # The plain socket's method: a TLS one would touch state that belongs to the reader.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()
        # Connection and parser know each other; else the garbage collector has to part them.
        del self._parser

    def on_message_begin(self) -> None:
        if self.complete:
            self.keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.status:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        earlier = self.headers.get(key)
        self.headers[key] = text if earlier is None else f"{earlier}, {text}"

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self.status:
            return
        if status < 200:
            self.headers = {}
            return
        self.status = status
        self.barren_bytes = 0
        self._ends_by_close = (
            status not in NO_BODY_STATUSES
            and "content-length" not in self.headers
            and "transfer-encoding" not in self.headers
        )

    def on_body(self, data: bytes) -> None:
        if not self.complete:
            self.barren_bytes = 0
            self.pieces.append(data)

    def on_message_complete(self) -> None:
        if self.status and not self.complete:
            self.complete = True
            self.keep_alive = self._parser.should_keep_alive()

    def _reset(self) -> None:
        self.status = 0
        self.headers = {}
        self.pieces = []
        self.received_bytes = 0
        self.barren_bytes = 0
        self.complete = False
        self.keep_alive = False
        self._ends_by_close = False
        self._broken = None
        self._outgoing = NOTHING
        self._refused = False

    def _set_timeout(self, wait_s: float) -> None:
        # Each call is a system call, and most waits are alike.
        if wait_s != self._wait_s:
            self._socket.settimeout(wait_s)
            self._wait_s = wait_s


def _wait_under_gevent(drained: Any) -> None:
    """Wait until there is more to read: gevent's `recv` would first look in vain, which costs an exception.

    A socket of the system waits within its `recv`.
    """
    if hasattr(drained, "_read_event"):
        drained._wait(drained._read_event)
