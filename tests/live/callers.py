"""A caller at the level of its socket: it asks now, reads later, or leaves in the middle."""

import contextlib
import json
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

CHAT = "/v1/chat/completions"
HANG_S = 180
_EVENT = re.compile(rb"data: (\{.*?\})\n\n")
"""One event is one chunk of the body, so that no framing stands inside it."""


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """What came back. Status 0: nothing; `is_whole`: the body came to the end that was promised."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool

    @property
    def json(self) -> Any:
        """Return a plain answer; numbers with a point come as Decimal."""
        return json.loads(self.body, parse_float=Decimal)

    @property
    def code(self) -> str | None:
        """Return the code of an error, plain or streamed."""
        if self.headers.get("content-type", "").startswith("text/event-stream"):
            errors = [event["error"] for event in events_in(self.body) if "error" in event]
            return str(errors[-1]["code"]) if errors else None
        return str(self.json["error"]["code"]) if self.status >= 400 and self.is_whole else None

    @property
    def is_done(self) -> bool:
        """Whether a stream ended as a good one does."""
        return self.is_whole and self.body.endswith(b"data: [DONE]\n\n")

    @property
    def generation_id(self) -> str | None:
        return self.headers.get("x-generation-id")

    @property
    def cost(self) -> Decimal:
        """Return the cost that a good answer names, in credits."""
        if self.headers.get("content-type", "").startswith("text/event-stream"):
            return Decimal(events_in(self.body)[-1]["usage"]["cost"])
        return Decimal(self.json["usage"]["cost"])


@dataclass(slots=True)
class LiveCall:
    """One request on a connection of its own. `raw` is what has been read so far."""

    port: int
    key: str
    raw: bytes = b""
    sent_at: float = 0.0
    _socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=HANG_S)

    def send(self, body: Mapping[str, object], path: str = CHAT) -> "LiveCall":
        """Send the whole request; a stream is asked to tell its usage."""
        if body.get("stream") is True:
            body = {"stream_options": {"include_usage": True}, **body}
        data = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n"
            f"Authorization: Bearer {self.key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        )
        self.sent_at = time.time()
        self._socket.sendall(head.encode() + data)
        return self

    def send_more(self, data: bytes) -> None:
        """Send what a client may send ahead of the answer."""
        self._socket.sendall(data)

    def read_until(self, mark: bytes) -> bytes:
        """Read on until `mark` has come. Raises AssertionError when the answer ends before it."""
        while mark not in self.raw:
            assert self.read_some(), f"The answer ended: {self.raw!r}"
        return self.raw

    def read_what_came(self) -> bytes:
        """Read without waiting for more."""
        self._socket.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while self.read_some():
                pass
        self._socket.settimeout(HANG_S)
        return self.raw

    def answer(self) -> LiveAnswer:
        """Read to the end, whichever it is, and hang up."""
        while self.read_some():
            pass
        self.leave()
        return parsed(self.raw)

    def leave(self) -> None:
        """Close the connection, whatever is still to come."""
        self._socket.close()

    @property
    def generation_id(self) -> str:
        """Return the id that the head of the answer bears, which must have come."""
        found = parsed(self.raw).generation_id
        assert found is not None
        return found

    def read_some(self) -> bool:
        """Wait for more of the answer; say whether any came."""
        data = b""
        with contextlib.suppress(ConnectionError):
            data = self._socket.recv(65536)
        self.raw += data
        return bool(data)


def parsed(raw: bytes) -> LiveAnswer:
    """Read an HTTP answer, or as much of it as came."""
    head, has_head, rest = raw.partition(b"\r\n\r\n")
    if not has_head:
        return LiveAnswer(0, {}, b"", is_whole=False)
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if "chunked" in headers.get("transfer-encoding", ""):
        body, is_whole = _unchunked(rest)
    else:
        body, is_whole = rest, len(rest) == int(headers.get("content-length", "-1"))
    return LiveAnswer(int(status.split()[1]), headers, body, is_whole)


def events_in(body: bytes) -> list[Any]:
    """Return the events of a stream, or of as much of it as came."""
    return [json.loads(data, parse_float=Decimal) for data in _EVENT.findall(body)]


def text_in(body: bytes) -> str:
    """Return the text that a stream has delivered."""
    choices = [choice for event in events_in(body) for choice in event.get("choices", ())]
    return "".join(choice["delta"].get("content", "") for choice in choices)


def at_once(port: int, key: str, bodies: list[Mapping[str, object]]) -> list[LiveAnswer]:
    """Send requests on as many connections, with nothing between them; return their answers."""
    calls = [LiveCall(port, key) for _ in bodies]
    for call, body in zip(calls, bodies, strict=True):
        call.send(body)
    return [call.answer() for call in calls]


def wait_until(condition: Callable[[], bool], what: str, patience_s: float = 60) -> None:
    """Wait for a condition. Raises AssertionError when it does not come to pass."""
    give_up_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < give_up_s, f"It did not come to pass: {what}."
        time.sleep(0.02)


def _unchunked(rest: bytes) -> tuple[bytes, bool]:
    body = b""
    while True:
        size_line, has_size, rest = rest.partition(b"\r\n")
        if not has_size:
            return body, False
        size = int(size_line, 16)
        if size == 0:
            return body, True
        body += rest[:size]
        if len(rest) < size + 2:
            return body, False
        rest = rest[size + 2 :]
