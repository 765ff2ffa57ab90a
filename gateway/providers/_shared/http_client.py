"""The HTTP client of all providers: keep-alive connections to one origin, failures as ProviderError.

Completions do not go through `requests.Session`: its merging of settings, cookies and redirects cost
about a millisecond of CPU per call, as much as all the rest of a completion, and a read of it blocks.
Here every wait yields ticks. Access tokens, which are rare, use the ordinary Session.

Proxies of the environment are never used, redirects never followed, cookies never kept.
"""

import pathlib
import socket
import ssl
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlsplit

from gateway.providers._shared.causes import cause_of
from gateway.providers._shared.http_connection import HttpConnection
from gateway.providers._shared.http_response import ClientConfig, ConnectionWasStale, HttpResponse
from gateway.providers._shared.tls import client_context
from gateway.providers.base import Abort, CancelToken
from gateway.providers.errors import ProviderTimeout, ProviderUnavailable
from gateway.providers.tick import TICK_S, Tick
from infra.short_lock import ShortLock

__all__ = ["EVENT_STREAM", "JSON", "Deadline", "HttpClient", "HttpResponse", "drain"]

EVENT_STREAM = "text/event-stream"
JSON = "application/json"

IDLE_S = 30.0
"""Age at which an idle connection is dropped: firewalls and proxies drop them silently."""
RESOLVED_S = 5.0
"""How long the addresses of a host are remembered."""
USER_AGENT = "XRouter"

AddressInfo = tuple[int, int, int, str, Any]
"""What `socket.getaddrinfo` returns."""
T = TypeVar("T")


class HttpClient:
    """Connections to one origin; the path of its address is put before that of every request."""

    def __init__(
        self,
        base_url: str,
        *,
        provider: str,
        ca_bundle_file: str | None = None,
        extra_roots: Sequence[pathlib.Path] = (),
        connect_timeout_s: float = 3.0,
        read_timeout_s: float = 60.0,
        max_idle: int = 256,
        max_idle_s: float = IDLE_S,
        tick_s: float = TICK_S,
    ) -> None:
        """Raise ValueError on a wrong address, OSError if the CA bundle cannot be read."""
        url = urlsplit(base_url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(f"Not an http(s) address: {base_url!r}")
        self.provider = provider
        self._config = ClientConfig(provider, read_timeout_s, tick_s, self._give_back)
        self._address = (url.hostname, url.port or (443 if url.scheme == "https" else 80))
        self._host = url.netloc.rpartition("@")[2]
        self._prefix = url.path.rstrip("/")
        self._connect_timeout_s = connect_timeout_s
        self._tls: ssl.SSLContext | None = None
        if url.scheme == "https":
            self._tls = client_context(ca_bundle_file, extra_roots=extra_roots)
        self._resolved: Sequence[AddressInfo] = ()
        self._resolved_until_s = 0.0
        self._max_idle = max_idle
        self._max_idle_s = max_idle_s
        self._idle: deque[HttpConnection] = deque()
        self._lock = ShortLock()

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        cancel_token: CancelToken,
    ) -> Generator[Tick, None, HttpResponse]:
        """Send a request and return its answer once the head is there; yield a tick per silence.

        Raises ValueError when a header or the path holds characters that end it.
        """
        request = self._request(method, path, headers, body)
        connection = self._take_idle()
        while True:
            if connection is None:
                connection = self._connect(cancel_token.deadline_s)
            response = HttpResponse(self._config, connection, cancel_token)
            try:
                yield from response.open(request)
            except ConnectionWasStale:
                response.close()
                connection = None
            except BaseException:
                response.close()
                raise
            else:
                return response

    def _give_back(self, connection: HttpConnection) -> None:
        """Keep a connection for the next request."""
        now_s = monotonic()
        connection.idle_since_s = now_s
        superfluous = []
        with self._lock:
            self._idle.append(connection)
            while self._idle and (
                len(self._idle) > self._max_idle
                or self._idle[0].idle_since_s < now_s - self._max_idle_s
            ):
                superfluous.append(self._idle.popleft())
        for old in superfluous:
            old.close()

    def close(self) -> None:
        """Drop the idle connections."""
        while (connection := self._latest_idle()) is not None:
            connection.close()

    def _take_idle(self) -> HttpConnection | None:
        oldest_s = monotonic() - self._max_idle_s
        while (connection := self._latest_idle()) is not None:
            if connection.idle_since_s >= oldest_s and connection.is_quiet():
                connection.reuse()
                return connection
            connection.close()
        return None

    def _latest_idle(self) -> HttpConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _connect(self, deadline_s: float) -> HttpConnection:
        timeout_s = min(self._connect_timeout_s, deadline_s - monotonic())
        if timeout_s <= 0:
            raise ProviderTimeout("The total time is over.", provider=self.provider)
        try:
            connected = self._connected(timeout_s)
            try:
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls is not None:
                    connected = self._tls.wrap_socket(connected, server_hostname=self._address[0])
                return HttpConnection(connected)
            except BaseException:
                connected.close()
                raise
        except (OSError, UnicodeError) as error:
            unavailable = ProviderUnavailable(
                "The provider cannot be reached.", provider=self.provider
            )
            unavailable.cause = cause_of(error, host=self._host)
            raise unavailable from error

    def _connected(self, timeout_s: float) -> socket.socket:
        """Connect to the first of the host's addresses that answers. Raises OSError."""
        failure: OSError | None = None
        for family, kind, protocol, _, address in self._addresses():
            connecting = socket.socket(family, kind, protocol)
            try:
                connecting.settimeout(timeout_s)
                connecting.connect(address)
            except OSError as error:
                connecting.close()
                failure = error
            except BaseException:
                connecting.close()
                raise
            else:
                return connecting
        self._resolved = ()
        raise failure or OSError("The host has no address.")

    def _addresses(self) -> Sequence[AddressInfo]:
        """Return the host's addresses: of many connections that begin at once, the first asks for its name."""
        resolved = self._resolved
        if not resolved or monotonic() >= self._resolved_until_s:
            resolved = self._resolved = socket.getaddrinfo(*self._address, type=socket.SOCK_STREAM)
            self._resolved_until_s = monotonic() + RESOLVED_S
        return resolved

    def _request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> bytes:
        if " " in path or not path.isascii() or not path.isprintable():
            raise ValueError("A path must be printable ASCII without blanks.")
        lines = [
            f"{method} {self._prefix}{path} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"User-Agent: {USER_AGENT}\r\nAccept-Encoding: identity"
        ]
        for name, value in headers.items():
            if "\r" in value or "\n" in value or "\0" in value:
                raise ValueError(f"The value of the header {name} breaks its line.")
            lines.append(f"{name}: {value}")
        if body is not None or method != "GET":
            lines.append(f"Content-Length: {len(body or b'')}")
        lines.append("\r\n")
        return "\r\n".join(lines).encode("utf-8", "replace") + (body or b"")


class Deadline:
    """A cancel token that nobody cuts: a deadline alone."""

    def __init__(self, timeout_s: float) -> None:
        self.deadline_s = monotonic() + timeout_s

    def bind(self, abort: Abort) -> None:
        """Do nothing."""

    def unbind(self) -> None:
        """Do nothing."""


def drain(steps: Generator[Tick, None, T]) -> T:
    """Run `steps` to the end, ignoring ticks, and return their result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
