"""One HTTP exchange as the emulators see it: what was asked and what is to be written back."""

import json
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, Protocol
from urllib.parse import unquote

ProviderName = str
"""The name of an emulator in sandbox/server.py's table."""
Ending = Literal["whole", "abrupt", "reset"]

EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """A request as it arrived; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    request_id: str

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def steps(self) -> list[str]:
        """Return the decoded steps of the path."""
        return [unquote(step) for step in self.path.strip("/").split("/")]

    def json(self) -> Any:
        """Parse the body strictly: UTF-8, no NaN. Raises ValueError."""
        return json.loads(self.body.decode(), parse_constant=_refuse_constant)


@dataclass(frozen=True, slots=True)
class Reported:
    """The usage that an answer names on the wire."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that are flushed together, after a silence of `wait_s`."""

    data: bytes
    wait_s: float = 0.0
    usage: Reported | None = None


@dataclass(frozen=True, slots=True)
class SandboxResponse:
    """A status, headers and the pieces of a body; a streamed one is sent chunked.

    `wait_s` is the silence before the head, `write_bytes` the most bytes in one write (and in
    one HTTP chunk) with `write_wait_s` between writes.
    """

    status: int
    content_type: str
    pieces: Iterable[Piece]
    headers: tuple[tuple[str, str], ...] = ()
    streamed: bool = False
    wait_s: float = 0.0
    ending: Ending = "whole"
    write_bytes: int | None = None
    write_wait_s: float = 0.0

    @property
    def ok(self) -> bool:
        return self.status < 400


class SandboxRefusal(Exception):
    """Stop handling a request and send this answer."""

    def __init__(self, answer: SandboxResponse) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Emulator(Protocol):
    """One vendor's wire. `port_name` and `port` are for the command: its option, and where it listens."""

    name: ProviderName
    title: str
    port_name: str
    port: int

    def environment(self, origin: str) -> dict[str, str]:
        """Return the environment variables that point XRouter to this emulator at `origin`."""
        ...

    def answer(self, request: SandboxRequest, held: ExitStack) -> SandboxResponse:
        """Answer a request, be it by refusing it; `held` is closed when its last bytes are due."""
        ...

    def refuse(self, status: int, message: str | None = None) -> SandboxRefusal:
        """Return a refusal in the vendor's shape, in its usual words for that status."""
        ...


def json_answer(value: object, status: int = 200, usage: Reported | None = None) -> SandboxResponse:
    """Return a plain answer whose body is compact JSON."""
    piece = Piece(to_json(value), usage=usage)
    return SandboxResponse(status, "application/json; charset=utf-8", (piece,))


def page_answer(status: int) -> SandboxResponse:
    """Return the HTML page that a front server shows."""
    title = f"{status} {HTTPStatus(status).phrase}"
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return SandboxResponse(status, "text/html", (Piece(page.encode()),))


def to_json(value: object) -> bytes:
    """Return compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
