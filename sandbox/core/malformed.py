"""How the bytes of a good answer are malformed."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal

from sandbox.core.exchange import EVENT_STREAM, Piece, Reported, SandboxResponse, to_json

GarbageKind = Literal[
    "html", "bad_json", "wrong_types", "null_choices", "long_line", "invalid_utf8"
]

_CHOICES = ("choices", "alternatives", "data", "embedding", "messages", "tokens")
_LONG_LINE_BYTES = 2 * 2**20


def framed(answer: SandboxResponse, event: bytes) -> bytes:
    """Return an event as the body of such an answer carries it."""
    if answer.content_type == EVENT_STREAM:
        return b"data: " + event + b"\n\n"
    return event + b"\n" if answer.streamed else event


def spoilt(answer: SandboxResponse, data: bytes, kind: GarbageKind) -> bytes:
    """Return malformed bytes in place of a good event."""
    event = data[_data_at(data) :].strip()
    match kind:
        case "bad_json":
            event = event[:-3]
        case "wrong_types":
            event = to_json(_replace_choices(json.loads(event), "nonsense"))
        case "null_choices":
            event = to_json(_replace_choices(json.loads(event), None))
        case "long_line":
            event = b"x" * _LONG_LINE_BYTES
        case _:
            event = event[:-2] + b'"\xff\xfe\xd0"' + event[-2:]
    return framed(answer, event)


def _data_at(written: bytes) -> int:
    """Return where the JSON of an event begins: behind its name and `data: `, if it has them."""
    line = written.find(b"data: ") if written.startswith((b"data: ", b"event: ")) else -1
    return line + len(b"data: ") if line >= 0 else 0


def _replace_choices(value: Any, by: object) -> Any:
    if not isinstance(value, dict):
        return by
    return {
        name: by if name in _CHOICES else _replace_choices(inner, by) if name == "result" else inner
        for name, inner in value.items()
    }


def with_usage(piece: Piece, tokens: int | None) -> Piece:
    """Return the piece with all its counters set to a number, or without them."""
    prefix = piece.data[: _data_at(piece.data)]
    suffix = piece.data[len(piece.data.rstrip()) :]
    try:
        event = json.loads(piece.data.removeprefix(prefix))
    except ValueError:
        return piece
    holder = event.get("result", event)
    if "usage" not in holder:
        return piece
    counters = holder.pop("usage")
    if tokens is None:
        return Piece(prefix + to_json(event) + suffix, piece.wait_s)
    holder["usage"] = {
        name: str(tokens) if isinstance(value, str) else tokens
        for name, value in counters.items()
        if not isinstance(value, dict)
    }
    usage = Reported(tokens, tokens)
    return Piece(prefix + to_json(event) + suffix, piece.wait_s, usage)


def gzipped(answer: SandboxResponse) -> Iterable[Piece]:
    """Return the pieces compressed, each flushed on its own."""
    if not answer.streamed:
        return [replace(piece, data=gzip.compress(piece.data)) for piece in answer.pieces]
    return _gzipped_stream(answer.pieces)


def _gzipped_stream(pieces: Iterable[Piece]) -> Iterator[Piece]:
    packer = zlib.compressobj(wbits=31)
    for piece in pieces:
        packed = packer.compress(piece.data) + packer.flush(zlib.Z_SYNC_FLUSH)
        yield replace(piece, data=packed)
    yield Piece(packer.flush())
