"""The answer of a provider, read as it comes: with ticks in every silence, and with bounds."""

import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic

from httptools import HttpParserError, HttpParserUpgrade

from gateway.providers.base import Lifeline
from gateway.providers.chat_types import TICK, ChatChunk
from gateway.providers.errors import (
    ProviderProtocolError,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.http_connection import Connection

HEAD_BYTES_MAX = 64 * 1024
LINE_BYTES_MAX = 1024 * 1024
BODY_BYTES_MAX = 16 * 1024 * 1024
STREAM_BYTES_MAX = 64 * 1024 * 1024
LINGER_S = 0.05
SHORTEST_WAIT_S = 0.001


@dataclass(frozen=True, slots=True)
class Terms:
    """What all answers of one client have in common; `give_back` keeps a connection for reuse."""

    provider: str
    read_timeout_s: float
    tick_s: float
    give_back: Callable[[Connection], None]


class ConnectionWasStale(Exception):
    """An idle connection was closed by its peer while we took it up; nothing was answered."""


class HttpResponse:
    """An answer whose head has come. One reader; who has got it closes it."""

    __slots__ = (
        "_connection",
        "_deadline_s",
        "_heard_s",
        "_lifeline",
        "_lock",
        "_terms",
        "_tick_from_s",
        "headers",
        "status",
    )

    def __init__(self, terms: Terms, connection: Connection, lifeline: Lifeline) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._terms = terms
        self._connection: Connection | None = connection
        self._lifeline = lifeline
        self._deadline_s = lifeline.deadline_s
        self._lock = threading.Lock()
        # None: counted from the next wait on, so that the reader's own time is left out.
        self._heard_s: float | None = None
        self._tick_from_s: float | None = None

    def open(self, request: bytes) -> Generator[ChatChunk, None, None]:
        """Send `request` and wait for the head of the answer."""
        connection = self._held()
        self._lifeline.attach(self._abort)
        connection.begin(request)
        while connection.sending:
            if self._wait(connection, connection.transmit):
                yield TICK
        while not connection.status:
            if self._wait(connection, connection.receive):
                yield TICK
        self.status = connection.status
        self.headers = connection.headers

    def read(self) -> Generator[ChatChunk, None, bytes]:
        """Return the whole body; yield a tick per silence."""
        connection = self._held()
        self._refuse_encoding()
        while not connection.complete:
            if self._wait(connection, connection.receive):
                yield TICK
            if connection.received_bytes > BODY_BYTES_MAX:
                raise self._garbled("an answer of too many bytes")
        return b"".join(connection.pieces)

    def lines(self) -> Iterator[bytes | None]:
        """Yield each line without its end (LF or CRLF), and None when none came for a tick.

        What stands after the last line end counts as a line when the body ends as it should.
        """
        connection = self._held()
        self._refuse_encoding()
        pieces = connection.pieces
        begun: list[bytes] = []
        begun_bytes = 0
        while True:
            if pieces:
                data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                pieces.clear()
                if b"\n" in data:
                    if begun:
                        begun.append(data)
                        data = b"".join(begun)
                    lines = data.split(b"\n")
                    rest = lines.pop()
                    begun = [rest] if rest else []
                    begun_bytes = len(rest)
                    for line in lines:
                        yield line[:-1] if line.endswith(b"\r") else line
                    self._tick_from_s = None
                else:
                    begun.append(data)
                    begun_bytes += len(data)
                    if begun_bytes > LINE_BYTES_MAX:
                        raise self._garbled("a line of too many bytes")
                if connection.received_bytes > STREAM_BYTES_MAX:
                    raise self._garbled("a stream of too many bytes")
            if connection.complete:
                break
            if self._wait(connection, connection.receive):
                yield None
        if begun:
            yield b"".join(begun)

    def drain(self) -> None:
        """Wait a moment for the end of a body whose last word was read, to keep its connection."""
        connection = self._held()
        end_s = monotonic() + LINGER_S
        try:
            while not connection.complete and (wait_s := end_s - monotonic()) > 0:
                connection.receive(wait_s)
        except (OSError, EOFError, HttpParserError, HttpParserUpgrade):
            return

    def close(self) -> None:
        """Keep the connection if the body was read to its end, else close it. Idempotent."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is None:
            return
        self._lifeline.detach()
        if connection.reusable:
            self._terms.give_back(connection)
        else:
            connection.close()

    def _abort(self) -> None:
        # The lock keeps a late abort from hitting the connection's next user.
        with self._lock:
            if self._connection is not None:
                self._connection.abort()

    def _held(self) -> Connection:
        if self._connection is None:
            raise ProviderUnavailable("The answer is closed.", provider=self._terms.provider)
        return self._connection

    def _wait(self, connection: Connection, act: Callable[[float], None]) -> bool:
        """Act once, or wait for it a while; true when a tick is due."""
        terms = self._terms
        now_s = monotonic()
        left_s = self._deadline_s - now_s
        if left_s <= 0:
            raise ProviderTimeout("The total time is over.", provider=terms.provider)
        if self._heard_s is None:
            self._heard_s = now_s
        if self._tick_from_s is None:
            self._tick_from_s = now_s
            wait_s = terms.tick_s
        else:
            wait_s = self._tick_from_s + terms.tick_s - now_s
            if wait_s <= 0:
                self._tick_from_s = None
                return True
        silence_s = self._heard_s + terms.read_timeout_s - now_s
        try:
            act(min(wait_s, left_s, max(silence_s, SHORTEST_WAIT_S)))
        except TimeoutError:
            if monotonic() - self._heard_s >= terms.read_timeout_s:
                raise ProviderTimeout(
                    "The provider fell silent.", provider=terms.provider
                ) from None
        except (EOFError, OSError) as error:
            raise self._lost(connection, error) from error
        except (HttpParserError, HttpParserUpgrade) as error:
            raise self._garbled("no HTTP") from error
        else:
            self._heard_s = None
            if connection.barren_bytes > HEAD_BYTES_MAX:
                raise self._garbled("headers of too many bytes")
        return False

    def _lost(self, connection: Connection, error: Exception) -> Exception:
        if not connection.received_bytes and connection.reused and not connection.aborted:
            return ConnectionWasStale()
        if isinstance(error, EOFError) and connection.received_bytes:
            return ProviderProtocolError(
                "The provider cut its answer short.", provider=self._terms.provider
            )
        return ProviderUnavailable("The connection was lost.", provider=self._terms.provider)

    def _garbled(self, what: str) -> ProviderProtocolError:
        return ProviderProtocolError(
            f"The provider sent {what}.", provider=self._terms.provider, status=self.status or None
        )

    def _refuse_encoding(self) -> None:
        if self.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
            raise self._garbled("a compressed body nobody asked for")
