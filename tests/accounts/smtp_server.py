"""A mail server of a few lines, on loopback: it takes what it is given, but for recipients it refuses."""

import contextlib
import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from email.message import EmailMessage

TIMEOUT_S = 60


class _Talk(socketserver.StreamRequestHandler):
    timeout = TIMEOUT_S
    server: "_Server"

    def handle(self) -> None:
        self._say("220 ready")
        for line in self.rfile:
            match line.strip().upper().split(maxsplit=1)[:1]:
                case [b"DATA"]:
                    self._say("354 go on")
                    self._take()
                    self._say("250 taken")
                case [b"RCPT"] if self.server.refusal:
                    self._say(self.server.refusal)
                case [b"QUIT"]:
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def _take(self) -> None:
        lines = iter(self.rfile.readline, b".\r\n")
        taken = b"".join(line.removeprefix(b".") for line in lines)
        self.server.taken.append(email.message_from_bytes(taken, policy=email.policy.default))

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, refusal: str) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.refusal = refusal
        self.taken: list[EmailMessage] = []


@contextlib.contextmanager
def smtp_server(refusal: str = "") -> Iterator[tuple[int, list[EmailMessage]]]:
    """Serve and yield the port and the mails that were taken; a `refusal` answers every recipient."""
    with _Server(refusal) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1], server.taken
        finally:
            server.shutdown()
            thread.join(TIMEOUT_S)
