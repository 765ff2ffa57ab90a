"""Receive the body of a request, whole and in time, while nothing else is held for it.

A body must average LEAST_BYTES_A_S after its first GRACE_S seconds and be whole in MOST_S. A read of the
server's blocks until the bytes have come, so that one thread of this process looks after all who wait
for one and hangs up on those who are late. Under gevent it is a greenlet.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from gunicorn.http.errors import ParseException

from gateway.api.errors import BadRequest

GRACE_S = 10.0
MOST_S = 60.0
LEAST_BYTES_A_S = 1024
LOOK_S = 0.5

FIRST_STEP_BYTES = 1024
SWIFT_S = 0.01
"""A read that took no longer is followed by one of twice as many bytes.

What was read so swiftly makes up for the time in which the next read shows nothing of what has come.
"""

PIECE_BYTES = 256 * 1024


def pieces(environ: Mapping[str, Any], *, most_bytes: int) -> Iterator[bytes]:
    """Yield the body of a WSGI request, sent with Content-Length or chunked, in pieces of PIECE_BYTES at most.

    Raises BadRequest: 413 beyond `most_bytes`, 408 when it comes too slowly, 400 when it is not what
    was announced.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    if length:
        if not length.isascii() or not length.isdigit():
            raise BadRequest("Content-Length must be a whole number.")
        wanted_bytes = int(length)
        if wanted_bytes > most_bytes:
            raise _too_large(most_bytes)
    elif environ.get("wsgi.input_terminated"):
        if environ.get("HTTP_TRANSFER_ENCODING", "chunked").lower() != "chunked":
            raise BadRequest("The body's Transfer-Encoding must be chunked alone.")
        wanted_bytes = most_bytes + 1
    else:
        return
    reading = _Reading(environ)
    while reading.received < wanted_bytes:
        piece = reading.piece(wanted_bytes - reading.received)
        if not piece:
            break
        if reading.received > most_bytes:
            raise _too_large(most_bytes)
        yield piece
    if length and reading.received < wanted_bytes:
        raise BadRequest("The body is shorter than its Content-Length.", code="invalid_json")


class _Reading:
    """One body on its way. `received` counts its bytes."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._input = environ["wsgi.input"]
        self._client: socket.socket | None = environ.get("gunicorn.socket")
        self._began_s = time.monotonic()
        self._step_bytes = FIRST_STEP_BYTES
        self._is_late = False
        self.received = 0

    def piece(self, left_bytes: int) -> bytes:
        """Wait for more and return it; nothing at the end. Raises BadRequest."""
        steps: list[bytes] = []
        left_bytes = min(left_bytes, PIECE_BYTES)
        readings = _lookout().readings
        readings.add(self)
        try:
            while left_bytes and (step := self._read(min(left_bytes, self._step_bytes))):
                steps.append(step)
                left_bytes -= len(step)
        finally:
            readings.discard(self)
        return steps[0] if len(steps) == 1 else b"".join(steps)

    def hang_up_if_late(self, now_s: float) -> None:
        """End the wait of who reads, if the body is late: the socket reads as ended."""
        spent_s = now_s - self._began_s
        owed_bytes = (spent_s - GRACE_S) * LEAST_BYTES_A_S - FIRST_STEP_BYTES
        if spent_s < MOST_S and self.received >= owed_bytes:
            return
        self._is_late = True
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RD)

    def _read(self, most_bytes: int) -> bytes:
        began_s = time.monotonic()
        try:
            data: bytes = self._input.read(most_bytes)
        except (OSError, ParseException) as error:
            self._raise_if_late()
            if isinstance(error, OSError):
                raise BadRequest(
                    "The body ended before it was whole.", code="invalid_json"
                ) from None
            raise BadRequest("The body is not chunked as HTTP has it.") from None
        self._raise_if_late()
        is_swift = time.monotonic() - began_s < SWIFT_S
        self._step_bytes = min(2 * self._step_bytes, PIECE_BYTES) if is_swift else FIRST_STEP_BYTES
        self.received += len(data)
        return data

    def _raise_if_late(self) -> None:
        if not self._is_late:
            return
        # gunicorn closes a connection on which a body failed.
        self._input.failed = True
        raise BadRequest(
            f"The body came too slowly: send {LEAST_BYTES_A_S} bytes a second at least, and all of it"
            f" within {MOST_S:g} seconds.",
            status=408,
            code="request_timeout",
        )


def _too_large(most_bytes: int) -> BadRequest:
    return BadRequest(
        f"The body is larger than {most_bytes} bytes.", status=413, code="request_too_large"
    )


class _Lookout:
    """A daemon thread that looks after every reading of its process."""

    def __init__(self) -> None:
        self.readings: set[_Reading] = set()
        threading.Thread(target=self._run, name="slow bodies", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_S)
            now_s = time.monotonic()
            for reading in self.readings.copy():
                if reading in self.readings:
                    reading.hang_up_if_late(now_s)


_running: _Lookout | None = None
_running_lock = threading.Lock()


def _lookout() -> _Lookout:
    """Return this process's; a forked process starts its own."""
    global _running
    if _running is None:
        with _running_lock:
            if _running is None:
                _running = _Lookout()
    return _running


def _forget() -> None:
    global _running, _running_lock
    _running, _running_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)
