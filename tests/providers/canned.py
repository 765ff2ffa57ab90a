"""A server of raw bytes on loopback: each request is answered with what a test wrote down."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

Step = bytes | float | Literal["hold", "reset", "close"]
"""Bytes to send, seconds to wait, or: keep silent till the peer leaves, reset, close."""


@dataclass(frozen=True)
class CannedRequest:
    """What the server was asked; header names in lower case, `connection` counts from 0."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


Answer = Callable[[CannedRequest], Iterable[Step]]
"""A generator may wait for the test between two steps."""


class CannedServer:
    """Serves while its `with` lasts; `requests` and `connections` tell what came."""

    def __init__(self, answer: Answer, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[CannedRequest] = []
        self.connections = 0
        self.left = threading.Event()
        self._answer = answer
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in list(self._open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(peer, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = self.connections
            self.connections += 1
            self._open.add(peer)
            thread = threading.Thread(target=self._serve, args=(peer, number))
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            try:
                if self._tls is not None:
                    self._open.discard(peer)
                    peer = self._tls.wrap_socket(peer, server_side=True)
                    self._open.add(peer)
                for request in _requests(peer, number):
                    self.requests.append(request)
                    if not self._play(peer, self._answer(request)):
                        return
            finally:
                self._open.discard(peer)
                peer.close()

    def _play(self, peer: socket.socket, steps: Iterable[Step]) -> bool:
        for step in steps:
            if isinstance(step, bytes):
                peer.sendall(step)
            elif isinstance(step, float):
                threading.Event().wait(step)
            elif step == "hold":
                while peer.recv(4_096):
                    pass
                self.left.set()
                return False
            else:
                if step == "reset":
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
        return True


def reply(
    body: bytes | str, *, status: int = 200, content_type: str = "application/json", **more: str
) -> bytes:
    """Write a whole answer of known length; `more` are headers, `_` for `-`."""
    raw = body.encode() if isinstance(body, str) else body
    headers = {"Content-Type": content_type, "Content-Length": str(len(raw))}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    return head(status, headers) + raw


def stream_head(content_type: str = "text/event-stream", status: int = 200) -> bytes:
    """Write the head of a chunked answer."""
    return head(status, {"Content-Type": content_type, "Transfer-Encoding": "chunked"})


def chunk(data: bytes | str) -> bytes:
    """Write one chunk; an empty one is the last."""
    raw = data.encode() if isinstance(data, str) else data
    return b"%x\r\n%s\r\n" % (len(raw), raw)


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Canned\r\n{lines}\r\n".encode()


def _requests(peer: socket.socket, number: int) -> Iterator[CannedRequest]:
    with peer.makefile("rb") as reader:
        while line := reader.readline():
            method, target, _ = line.decode().split(" ")
            headers = {}
            while (field := reader.readline().decode().strip()) != "":
                name, _, value = field.partition(": ")
                headers[name.lower()] = value
            body = reader.read(int(headers.get("content-length", "0")))
            yield CannedRequest(method, target, headers, body, number)
