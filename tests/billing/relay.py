"""A way to PostgreSQL that can be cut, or frozen, while a process uses it."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

PIECE = 65536


class Relay:
    """Carries every connection to the server, until told otherwise."""

    def __init__(self, database_url: str) -> None:
        self._url = urlsplit(database_url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._is_cut = False
        self.mend()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Return the address of the database by this way."""
        port = self._listener.getsockname()[1]
        user = self._url.username or "postgres"
        return f"postgres://{user}@127.0.0.1:{port}{self._url.path}"

    def cut(self) -> None:
        """Drop every connection, and each new one, until mended."""
        self._is_cut = True
        self._drop()

    def freeze(self) -> None:
        """Carry nothing any more, and say nothing, until mended."""
        self._asks.clear()
        self._answers.clear()

    def swallow_answers(self) -> None:
        """Carry what the server is asked and nothing that it answers, until mended."""
        self._answers.clear()

    def mend(self) -> None:
        """Carry new connections; those that were frozen stay so for ever."""
        self._asks, self._answers = threading.Event(), threading.Event()
        self._asks.set()
        self._answers.set()
        self._is_cut = False

    def close(self) -> None:
        self._listener.close()
        self._asks.set()
        self._answers.set()
        self._drop()

    def _drop(self) -> None:
        while self._pairs:
            for end in self._pairs.pop():
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                client.close()
                continue
            pair = client, self._connect()
            self._pairs.append(pair)
            ways = (pair, self._asks), (pair[::-1], self._answers)
            for (source, target), flows in ways:
                threading.Thread(
                    target=self._carry, args=(source, target, flows), daemon=True
                ).start()

    def _connect(self) -> socket.socket:
        folder = parse_qs(self._url.query).get("host", [""])[0]
        if not folder.startswith("/"):
            return socket.create_connection((self._url.hostname or folder, self._url.port or 5432))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{folder}/.s.PGSQL.{self._url.port or 5432}")
        return server

    def _carry(self, source: socket.socket, target: socket.socket, flows: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                flows.wait()
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relay_to(database_url: str) -> Iterator[Relay]:
    relay = Relay(database_url)
    try:
        yield relay
    finally:
        relay.close()
