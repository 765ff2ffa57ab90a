"""Ids of tool calls of the second chat form: the provider's own, with the state of the turn beside it.

GigaChat gives each call an id and each turn of calls a `tool_state_id`, and wants both back. A caller keeps
one id for a call, so it bears the two. Answers of June 2026 had no ids yet: then one is made, and not sent.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from uuid import UUID

PREFIX = "call_v2_"
_ABSENT, _MADE, _UUID = 0, 254, 255


@dataclass(frozen=True, slots=True)
class CallReference:
    """What GigaChat itself called a call, and the state of its turn; None where it named none."""

    id: str | None = None
    state_id: str | None = None


def write_call_id(reference: CallReference, unique: str) -> str:
    """Return the id that a caller gets: Latin letters, digits, `_` and `-`; 54 characters as a rule.

    Where GigaChat named no call, `unique` tells it from others.
    """
    own = _packed(reference.id)
    if not own:
        own = bytes((_MADE,)) + unique.encode()
    state = _packed(reference.state_id) or bytes((_ABSENT,))
    return PREFIX + urlsafe_b64encode(state + own).rstrip(b"=").decode()


def read_call_id(call_id: str) -> CallReference | None:
    """Return what is inside an id of ours; None for any other id."""
    if not call_id.startswith(PREFIX):
        return None
    text = call_id[len(PREFIX) :]
    try:
        packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        state_id, rest = _unpacked(packed)
        if rest[:1] == bytes((_MADE,)):
            return CallReference(None, state_id)
        own, rest = _unpacked(rest)
    except ValueError:
        return None
    return CallReference(own, state_id) if not rest else None


def _packed(value: str | None) -> bytes:
    """Return a UUID as 16 bytes, another text with its length before it, and nothing for none."""
    if not value:
        return b""
    try:
        if str(UUID(value)) == value:
            return bytes((_UUID,)) + UUID(value).bytes
    except ValueError:
        pass
    text = value.encode("utf-8", "replace")
    return bytes((len(text),)) + text if len(text) < _MADE else b""


def _unpacked(packed: bytes) -> tuple[str | None, bytes]:
    """Return the first value and what follows it. Raises ValueError."""
    if not packed:
        raise ValueError("no value")
    size = packed[0]
    if size == _UUID:
        return str(UUID(bytes=packed[1:17])), packed[17:]
    if size >= _MADE or len(packed) <= size:
        raise ValueError("a value that is cut")
    return packed[1 : 1 + size].decode() or None, packed[1 + size :]
