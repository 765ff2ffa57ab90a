"""The one door to the network: keep-alive connections to one origin, every failure a ProviderError.

Completions do not go through `requests.Session`: merging, cookies, redirects and preparing anew
cost it about a millisecond of CPU per call, as much as all the rest of a completion, and it cannot
be read with a pulse. Here a silent upstream still lets its reader say something to the caller:
every wait yields ticks. Access tokens, which are rare, take the ordinary Session.

Proxies of the environment are never used, redirects never followed, cookies never kept.
"""

import socket
import ssl
import threading
from collections import deque
from collections.abc import Generator, Mapping
from time import monotonic
from typing import TypeVar
from urllib.parse import urlsplit

import certifi

from gateway.providers.base import TICK_S, Abort, Lifeline
from gateway.providers.chat_types import ChatChunk
from gateway.providers.errors import ProviderTimeout, ProviderUnavailable
from gateway.providers.http_connection import Connection
from gateway.providers.http_response import ConnectionWasStale, HttpResponse, Terms

__all__ = ["Countdown", "HttpClient", "HttpResponse", "run_out"]

IDLE_S = 30.0
"""Age at which an idle connection is dropped: middleboxes forget quiet ones without a word."""
USER_AGENT = "XRouter"

T = TypeVar("T")


class HttpClient:
    """Connections to one origin, whose address may bear a path that all requests begin with."""

    def __init__(
        self,
        base_url: str,
        *,
        provider: str,
        ca_bundle_file: str | None = None,
        connect_timeout_s: float = 3.0,
        read_timeout_s: float = 60.0,
        max_idle: int = 256,
        max_idle_s: float = IDLE_S,
        tick_s: float = TICK_S,
    ) -> None:
        """Read the address. Raises ValueError on a wrong one, OSError without the CA bundle."""
        url = urlsplit(base_url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(f"Not an http(s) address: {base_url!r}")
        self.provider = provider
        self._terms = Terms(provider, read_timeout_s, tick_s, self._give_back)
        self._address = (url.hostname, url.port or (443 if url.scheme == "https" else 80))
        self._host = url.netloc.rpartition("@")[2]
        self._prefix = url.path.rstrip("/")
        self._connect_timeout_s = connect_timeout_s
        self._tls: ssl.SSLContext | None = None
        if url.scheme == "https":
            self._tls = ssl.create_default_context(cafile=ca_bundle_file or certifi.where())
            self._tls.set_alpn_protocols(["http/1.1"])
        self._max_idle = max_idle
        self._max_idle_s = max_idle_s
        self._idle: deque[Connection] = deque()
        self._lock = threading.Lock()

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        lifeline: Lifeline,
    ) -> Generator[ChatChunk, None, HttpResponse]:
        """Send a request and return its answer once the head is there; yield a tick per silence.

        Raises ValueError when a header or the path could break out of its place.
        """
        request = self._request(method, path, headers, body)
        connection = self._take_idle()
        while True:
            if connection is None:
                connection = self._connect(lifeline.deadline_s)
            response = HttpResponse(self._terms, connection, lifeline)
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

    def _give_back(self, connection: Connection) -> None:
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

    def _take_idle(self) -> Connection | None:
        oldest_s = monotonic() - self._max_idle_s
        while (connection := self._latest_idle()) is not None:
            if connection.idle_since_s >= oldest_s and connection.is_quiet():
                connection.reuse()
                return connection
            connection.close()
        return None

    def _latest_idle(self) -> Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _connect(self, deadline_s: float) -> Connection:
        timeout_s = min(self._connect_timeout_s, deadline_s - monotonic())
        if timeout_s <= 0:
            raise ProviderTimeout("The total time is over.", provider=self.provider)
        try:
            connected = socket.create_connection(self._address, timeout_s)
            try:
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls is not None:
                    connected = self._tls.wrap_socket(connected, server_hostname=self._address[0])
                return Connection(connected)
            except BaseException:
                connected.close()
                raise
        except (OSError, UnicodeError) as error:
            raise ProviderUnavailable(
                "The provider cannot be reached.", provider=self.provider
            ) from error

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


class Countdown:
    """A lifeline with nobody at its other end: a deadline alone."""

    def __init__(self, timeout_s: float) -> None:
        self.deadline_s = monotonic() + timeout_s

    def attach(self, abort: Abort) -> None:
        """Hold on to nothing."""

    def detach(self) -> None:
        """Let go of nothing."""


def run_out(steps: Generator[ChatChunk, None, T]) -> T:
    """Run `steps` past all ticks to the end and give what they return: for calls nobody watches."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
