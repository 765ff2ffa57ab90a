"""A loopback server that gives canned bytes as answers and remembers what it was asked."""

import json
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Canned:
    """One answer. `pieces` go out as chunks, `pause_s` before each; a cut one lacks its end."""

    status: int = 200
    pieces: Sequence[bytes] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    pause_s: float = 0.0
    cut: bool = False

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> "Canned":
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, [json.dumps(value, ensure_ascii=False).encode()], named)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: Any


class CannedServer:
    """Gives each answer once, in order, and the last one for ever."""

    def __init__(self, *answers: Canned) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self._answers = list(answers)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []

    def give(self, *answers: Canned) -> None:
        """Give these from now on."""
        with self._lock:
            self._answers = list(answers)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for opened in list(self._open):
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(timeout=10)
        for opened in self._open:
            opened.close()

    def _start(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as incoming:
            try:
                while (asked := _read(incoming)) is not None:
                    with self._lock:
                        self.asked.append(asked)
                        more = len(self._answers) > 1
                        answer = self._answers.pop(0) if more else self._answers[0]
                    _write(connection, answer)
                    if answer.cut:
                        return
            except OSError:
                return


def _read(incoming: Any) -> Asked | None:
    request_line = incoming.readline()
    if not request_line:
        return None
    headers = {}
    while (line := incoming.readline().strip()) != b"":
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = incoming.read(int(headers.get("content-length", 0)))
    return Asked(request_line.split()[1].decode(), headers, json.loads(body) if body else None)


def _write(connection: socket.socket, answer: Canned) -> None:
    head = [f"HTTP/1.1 {answer.status} Canned", "Transfer-Encoding: chunked"]
    head += [f"{name}: {value}" for name, value in answer.headers.items()]
    connection.sendall("\r\n".join([*head, "", ""]).encode())
    for piece in answer.pieces:
        time.sleep(answer.pause_s)
        connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
    if not answer.cut:
        connection.sendall(b"0\r\n\r\n")
