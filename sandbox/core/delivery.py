"""Writing an answer to a connection, piece by piece, with an eye on whether the peer is there."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from email.utils import formatdate
from http import HTTPStatus

from sandbox.core.controls import Settings
from sandbox.core.exchange import Piece, SandboxResponse
from sandbox.core.request_log import RecordedRequest

_BUSY_PEER_WAIT_S = 0.02
_LAST_CHUNK = b"0\r\n\r\n"


class ClientGone(Exception):
    """Say that the peer hung up."""


class Delivery:
    """Writes one answer and records how far it got.

    The record is made, and what the request `held` is given back, before the bytes that let the
    peer know: whoever has read an answer finds it recorded, and its slot free.
    """

    def __init__(
        self,
        connection: socket.socket,
        recorded: RecordedRequest,
        settings: Settings,
        held: ExitStack,
    ) -> None:
        self._connection = connection
        self._recorded = recorded
        self._settings = settings
        self._held = held

    def deliver(self, answer: SandboxResponse) -> bool:
        """Write the answer; return whether the connection can serve another request.

        Raises ClientGone.
        """
        try:
            self._wait(answer.wait_s + self._settings.latency_s)
            if answer.streamed:
                self._write_stream(answer)
            else:
                self._write_plain(answer)
        except OSError as error:
            self._recorded.finished = False
            raise ClientGone from error
        if answer.ending == "reset":
            abort_on_close(self._connection)
        return answer.ending == "whole"

    def _write_plain(self, answer: SandboxResponse) -> None:
        pieces = list(answer.pieces)
        body = b"".join(piece.data for piece in pieces)
        if answer.ending == "reset" and not pieces:
            return
        whole = answer.ending == "whole"
        self._write_head(answer, f"Content-Length: {len(body)}")
        *parts, last = self._parts(answer, body if whole else body[: len(body) // 2])
        for part in parts:
            self._connection.sendall(part)
            self._wait(answer.write_wait_s)
        if whole:
            for piece in pieces:
                self._note(piece)
            self._finish()
        self._connection.sendall(last)

    def _write_stream(self, answer: SandboxResponse) -> None:
        pieces = iter(answer.pieces)
        piece = next(pieces, None)
        if piece is None and answer.ending == "reset":
            return
        self._write_head(answer, "Transfer-Encoding: chunked")
        if piece is None:
            self._finish()
            self._connection.sendall(_LAST_CHUNK)
        while piece is not None:
            following = next(pieces, None)
            is_last = following is None and answer.ending == "whole"
            self._write_piece(answer, piece, is_last=is_last)
            piece = following

    def _write_piece(self, answer: SandboxResponse, piece: Piece, *, is_last: bool) -> None:
        """Write a piece, the last one together with the end of the body."""
        self._wait(piece.wait_s)
        *parts, last = self._parts(answer, piece.data)
        for part in parts:
            # One write a chunk: the peer must be able to see it the moment it is sent.
            self._connection.sendall(_chunk(part))
            self._wait(answer.write_wait_s)
        self._note(piece)
        if is_last:
            self._finish()
        self._connection.sendall(_chunk(last) + (_LAST_CHUNK if is_last else b""))

    def _write_head(self, answer: SandboxResponse, framing: str) -> None:
        self._recorded.status = answer.status
        lines = [
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
            f"Date: {formatdate(usegmt=True)}",
            f"Content-Type: {answer.content_type}",
            *(f"{name}: {value}" for name, value in answer.headers),
            framing,
            "Connection: keep-alive",
        ]
        self._connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def _parts(self, answer: SandboxResponse, data: bytes) -> Iterator[bytes]:
        size = answer.write_bytes or self._settings.split or len(data) or 1
        for start in range(0, max(1, len(data)), size):
            yield data[start : start + size]

    def _note(self, piece: Piece) -> None:
        self._recorded.events += 1
        if piece.usage is not None:
            self._recorded.usage = piece.usage

    def _finish(self) -> None:
        self._recorded.finished = True
        self._held.close()

    def _wait(self, seconds: float) -> None:
        """Let time pass, unless the peer hangs up."""
        deadline = time.monotonic() + seconds
        while (left_s := deadline - time.monotonic()) > 0:
            self._connection.settimeout(left_s)
            try:
                peeked = self._connection.recv(1, socket.MSG_PEEK)
            except TimeoutError:
                break
            finally:
                self._connection.settimeout(None)
            if not peeked:
                raise ClientGone
            time.sleep(min(left_s, _BUSY_PEER_WAIT_S))


def _chunk(data: bytes) -> bytes:
    """Return data in the framing of a chunked body; an empty chunk would end it."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n" if data else b""


def abort_on_close(connection: socket.socket) -> None:
    """Make the closing of a connection reset it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def is_aborting(connection: socket.socket) -> bool:
    """Return whether closing the connection will reset it."""
    linger = connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
    return bool(struct.unpack("ii", linger)[0])
