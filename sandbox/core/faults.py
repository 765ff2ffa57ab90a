"""Faults of an upstream, as changes to the answer that it would have given.

Push one for the next request, `sandbox.faults.push("gigachat", http_error(503))`, or let a user
ask for one by a marker word. A refusal always stands: no fault hides that a request was wrong.
"""

import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from sandbox.core.exchange import (
    Emulator,
    Ending,
    Piece,
    ProviderName,
    SandboxResponse,
    page_answer,
)
from sandbox.core.malformed import GarbageKind, framed, gzipped, spoilt, with_usage

Change = Callable[[SandboxResponse, Emulator], SandboxResponse]
Moment = Literal["headers", "first_event", "mid_stream"]

_ABSURD_TOKENS = 10**12


@dataclass(frozen=True, slots=True)
class Fault:
    """A named change of an answer."""

    name: str
    change: Change


class Faults:
    """Faults that wait for the requests they are meant for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[ProviderName, str, Fault, int | None]] = deque()

    def push(
        self,
        provider: ProviderName,
        fault: Fault,
        *,
        times: int | None = 1,
        path: str = "completion",
    ) -> None:
        """Spoil the next answers on paths that contain `path`; `times` None spoils all."""
        with self._lock:
            self._waiting.append((provider, path, fault, times))

    def take(self, provider: ProviderName, path: str) -> Fault | None:
        """Return the first fault that is meant for such a request, and count it."""
        with self._lock:
            for index, (meant_for, part, fault, times) in enumerate(self._waiting):
                if meant_for == provider and part in path:
                    if times == 1:
                        del self._waiting[index]
                    elif times is not None:
                        self._waiting[index] = (meant_for, part, fault, times - 1)
                    return fault
        return None

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._waiting.clear()


def http_error(status: int, body: bytes | None = None, retry_after: str | None = None) -> Fault:
    """Answer with a status, by default in the vendor's shape and words."""
    headers = () if retry_after is None else (("Retry-After", retry_after),)

    def change(answer: SandboxResponse, emulator: Emulator) -> SandboxResponse:
        refused = emulator.refuse(status).answer
        pieces = refused.pieces if body is None else (Piece(body),)
        return replace(refused, pieces=pieces, headers=(*answer.headers, *headers))

    return Fault(f"http_error {status}", change)


def expired_token() -> Fault:
    """Answer as if the token had expired a moment ago."""

    def change(answer: SandboxResponse, emulator: Emulator) -> SandboxResponse:
        return replace(emulator.refuse(401, "Token has expired").answer, headers=answer.headers)

    return Fault("expired_token", change)


def redirect(location: str) -> Fault:
    """Send the caller elsewhere."""
    return _answering(
        "redirect", lambda _: replace(page_answer(302), headers=(("Location", location),))
    )


def set_cookie(value: str = "spid=1; Path=/") -> Fault:
    """Set a cookie beside a good answer."""
    return _answering(
        "set_cookie",
        lambda answer: replace(answer, headers=(*answer.headers, ("Set-Cookie", value))),
    )


def reset(after_events: int | None = None) -> Fault:
    """Reset the connection: before the head, or after some events."""
    return _broken("reset", after_events, "reset")


def cut(after_events: int = 2, *, abrupt: bool = False) -> Fault:
    """End without a finish mark: in an orderly way, or by closing the connection."""
    return _broken("cut", after_events, "abrupt" if abrupt else "whole")


def silence(seconds: float, moment: Moment = "first_event") -> Fault:
    """Say nothing for some seconds at one moment; a plain answer has only its head to wait for."""

    def change(answer: SandboxResponse) -> SandboxResponse:
        if moment == "headers" or not answer.streamed:
            return replace(answer, wait_s=answer.wait_s + seconds)
        pieces = list(answer.pieces)
        index = 0 if moment == "first_event" else len(pieces) // 2
        pieces[index] = replace(pieces[index], wait_s=pieces[index].wait_s + seconds)
        return replace(answer, pieces=pieces)

    return _answering(f"silence {moment}", change)


def pace(interval_s: float) -> Fault:
    """Leave that much time between the pieces of a stream."""

    def change(answer: SandboxResponse) -> SandboxResponse:
        first, *others = answer.pieces
        return replace(
            answer, pieces=[first, *(replace(other, wait_s=interval_s) for other in others)]
        )

    return _answering("pace", change)


def drip(interval_s: float = 0.001) -> Fault:
    """Write the body one byte at a time."""
    return _answering(
        "drip", lambda answer: replace(answer, write_bytes=1, write_wait_s=interval_s)
    )


def compressed() -> Fault:
    """Send the body gzip-encoded, whatever the caller accepts."""

    def change(answer: SandboxResponse) -> SandboxResponse:
        headers = (*answer.headers, ("Content-Encoding", "gzip"))
        return replace(answer, pieces=gzipped(answer), headers=headers)

    return _answering("compressed", change)


def endless() -> Fault:
    """Stream the first events for ever, over and over."""

    def change(answer: SandboxResponse) -> SandboxResponse:
        pieces = [replace(piece, usage=None) for piece in answer.pieces][:2]
        return replace(answer, pieces=itertools.cycle(pieces), streamed=True)

    return _answering("endless", change)


def error_event(status: int = 500) -> Fault:
    """Stream an error object in place of the second half."""

    def change(answer: SandboxResponse, emulator: Emulator) -> SandboxResponse:
        refusal = emulator.refuse(status).answer
        if not answer.streamed:
            return refusal
        pieces = list(answer.pieces)
        event = b"".join(piece.data for piece in refusal.pieces)
        return replace(answer, pieces=[*pieces[: len(pieces) // 2], Piece(framed(answer, event))])

    return Fault("error_event", change)


def garbage(kind: GarbageKind, after_events: int = 0) -> Fault:
    """Answer 200 with something that is no answer; in a stream after some good events."""

    def change(answer: SandboxResponse) -> SandboxResponse:
        if kind == "html":
            return replace(page_answer(502), status=200)
        good = list(itertools.islice(answer.pieces, after_events + 1))
        bad = Piece(spoilt(answer, good.pop().data, kind))
        return replace(answer, pieces=[*good, bad])

    return _answering(f"garbage {kind}", change)


def wrong_usage(kind: Literal["absent", "negative", "absurd"]) -> Fault:
    """Leave the usage out, or give numbers that cannot be."""
    tokens = {"absent": None, "negative": -5, "absurd": _ABSURD_TOKENS}[kind]

    def change(answer: SandboxResponse) -> SandboxResponse:
        return replace(answer, pieces=[with_usage(piece, tokens) for piece in answer.pieces])

    return _answering(f"wrong_usage {kind}", change)


def _answering(name: str, change: Callable[[SandboxResponse], SandboxResponse]) -> Fault:
    return Fault(name, lambda answer, _: change(answer))


def _broken(name: str, after_events: int | None, ending: Ending) -> Fault:
    def change(answer: SandboxResponse) -> SandboxResponse:
        # A plain answer, or a stream of one event, has nothing before its finish mark.
        pieces = list(answer.pieces)
        kept = 0 if after_events is None else min(after_events, len(pieces) - 1)
        if answer.streamed or after_events is None:
            pieces = pieces[:kept]
        elif ending == "whole":
            pieces = [Piece(pieces[0].data[: len(pieces[0].data) // 2])]
        return replace(answer, pieces=pieces, ending=ending)

    return _answering(name, change)
