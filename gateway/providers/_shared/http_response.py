"""The answer of a provider, read as it comes, with a tick per silence and limits on its size."""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic

from httptools import HttpParserError, HttpParserUpgrade

from gateway.providers._shared.http_connection import HttpConnection
from gateway.providers.base import CancelToken
from gateway.providers.errors import (
    ProviderProtocolError,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.tick import TICK, Tick
from infra.short_lock import ShortLock

HEAD_BYTES_MAX = 64 * 1024
LINE_BYTES_MAX = 1024 * 1024
BODY_BYTES_MAX = 16 * 1024 * 1024
STREAM_BYTES_MAX = 64 * 1024 * 1024
LINGER_S = 0.05
SHORTEST_WAIT_S = 0.001


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Settings of one client; `give_back` keeps a connection for reuse."""

    provider: str
    read_timeout_s: float
    tick_s: float
    give_back: Callable[[HttpConnection], None]


class ConnectionWasStale(Exception):
    """The peer closed an idle connection just as it was used again; nothing was answered."""


class HttpResponse:
    """An answer. Only one thread may read it; whoever has it must close it."""

    __slots__ = (
        "_cancel_token",
        "_config",
        "_connection",
        "_deadline_s",
        "_heard_s",
        "_lock",
        "_tick_from_s",
        "headers",
        "status",
    )

    def __init__(
        self, config: ClientConfig, connection: HttpConnection, cancel_token: CancelToken
    ) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._config = config
        self._connection: HttpConnection | None = connection
        self._cancel_token = cancel_token
        self._deadline_s = cancel_token.deadline_s
        self._lock = ShortLock()
        # None: counted from the next wait on, so that the time of the reader does not count.
        self._heard_s: float | None = None
        self._tick_from_s: float | None = None

    @property
    def tick_s(self) -> float:
        """How long a reader may go without a tick."""
        return self._config.tick_s

    def open(self, request: bytes) -> Generator[Tick, None, None]:
        """Send `request` and wait for the head of the answer."""
        connection = self._held()
        self._cancel_token.bind(self._abort)
        connection.begin(request)
        while connection.sending:
            if self._wait(connection, connection.transmit):
                yield TICK
        while not connection.status:
            if self._wait(connection, connection.receive):
                yield TICK
        self.status = connection.status
        self.headers = connection.headers

    def read(self) -> Generator[Tick, None, bytes]:
        """Return the whole body; yield a tick per silence."""
        connection = self._held()
        self._refuse_encoding()
        while not connection.complete:
            if self._wait(connection, connection.receive):
                yield TICK
            if connection.received_bytes > BODY_BYTES_MAX:
                raise self._garbled("an answer of too many bytes")
        return b"".join(connection.pieces)

    def lines(self) -> Iterator[Tick | bytes]:
        """Yield each line without its end (LF, CRLF or CR), and a tick per silence.

        What stands after the last line end counts as a line when the body ends as it should.
        """
        connection = self._held()
        self._refuse_encoding()
        pieces = connection.pieces
        begun: list[bytes] = []
        begun_bytes = 0
        is_after_cr = False
        while True:
            if pieces:
                data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                pieces.clear()
                if is_after_cr or b"\r" in data:
                    # The two halves of a CRLF may come apart.
                    data = data[1:] if is_after_cr and data.startswith(b"\n") else data
                    is_after_cr = data.endswith(b"\r")
                    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
                if b"\n" in data:
                    if begun:
                        begun.append(data)
                        data = b"".join(begun)
                    lines = data.split(b"\n")
                    rest = lines.pop()
                    begun = [rest] if rest else []
                    begun_bytes = len(rest)
                    yield from lines
                    self._tick_from_s = None
                elif data:
                    begun.append(data)
                    begun_bytes += len(data)
                    if begun_bytes > LINE_BYTES_MAX:
                        raise self._garbled("a line of too many bytes")
                if connection.received_bytes > STREAM_BYTES_MAX:
                    raise self._garbled("a stream of too many bytes")
            if connection.complete:
                break
            if self._wait(connection, connection.receive):
                yield TICK
        if begun:
            yield b"".join(begun)

    def drain(self) -> None:
        """Wait up to LINGER_S for the end of the body, so that its connection can be kept."""
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
        self._cancel_token.unbind()
        if connection.reusable:
            self._config.give_back(connection)
        else:
            connection.close()

    def _abort(self) -> None:
        # The lock keeps a late abort from hitting the connection's next user.
        with self._lock:
            if self._connection is not None:
                self._connection.abort()

    def _held(self) -> HttpConnection:
        if self._connection is None:
            raise ProviderUnavailable("The answer is closed.", provider=self._config.provider)
        return self._connection

    def _wait(self, connection: HttpConnection, act: Callable[[float], None]) -> bool:
        """Call `act` with the time it may take; return whether a tick is due."""
        config = self._config
        now_s = monotonic()
        left_s = self._deadline_s - now_s
        if left_s <= 0:
            raise ProviderTimeout("The total time is over.", provider=config.provider)
        if self._heard_s is None:
            self._heard_s = now_s
        if self._tick_from_s is None:
            self._tick_from_s = now_s
            wait_s = config.tick_s
        else:
            wait_s = self._tick_from_s + config.tick_s - now_s
            if wait_s <= 0:
                self._tick_from_s = None
                return True
        silence_s = self._heard_s + config.read_timeout_s - now_s
        try:
            act(min(wait_s, left_s, max(silence_s, SHORTEST_WAIT_S)))
        except TimeoutError:
            if monotonic() - self._heard_s >= config.read_timeout_s:
                raise ProviderTimeout(
                    "The provider fell silent.", provider=config.provider
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

    def _lost(self, connection: HttpConnection, error: Exception) -> Exception:
        if not connection.received_bytes and connection.reused and not connection.aborted:
            return ConnectionWasStale()
        if isinstance(error, EOFError) and connection.received_bytes:
            return ProviderProtocolError(
                "The provider cut its answer short.", provider=self._config.provider
            )
        return ProviderUnavailable("The connection was lost.", provider=self._config.provider)

    def _garbled(self, what: str) -> ProviderProtocolError:
        return ProviderProtocolError(
            f"The provider sent {what}.", provider=self._config.provider, status=self.status or None
        )

    def _refuse_encoding(self) -> None:
        if self.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
            raise self._garbled("a compressed body nobody asked for")
