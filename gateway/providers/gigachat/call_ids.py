"""Ids of tool calls, which GigaChat lacks; its function state is carried inside them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from gateway.providers.gigachat import v2_call_ids

_PREFIX = "call_"
_STATE_CHARS = 22
_MARK = len(_PREFIX) + _STATE_CHARS


def mint_call_id(state_id: str | None, unique: str) -> str:
    """Make an id that brings `functions_state_id` back to us with the caller's next request.

    `call_<16 bytes of the state's UUID, base64url>_<unique>`, or `call_<unique>` where there is no
    state of that form. With 12 characters of `unique` it has the 40 that OpenAI's own API takes, so
    that a conversation may move on to it.
    """
    if state_id is None or not _is_canonical(state_id):
        return f"{_PREFIX}{unique}"
    state = urlsafe_b64encode(UUID(state_id).bytes).rstrip(b"=").decode()
    return f"{_PREFIX}{state}_{unique}"


def state_id_of(call_id: str) -> str | None:
    """Return the state inside an id of ours; None for any other id."""
    state = call_id[len(_PREFIX) : _MARK]
    if call_id.startswith(v2_call_ids.PREFIX) or not call_id.startswith(_PREFIX):
        return None
    if call_id[_MARK : _MARK + 1] != "_":
        return None
    try:
        raw = urlsafe_b64decode(f"{state}==")
    except ValueError:
        return None
    if len(raw) != 16 or urlsafe_b64encode(raw).rstrip(b"=").decode() != state:
        return None
    return str(UUID(bytes=raw))


def _is_canonical(state_id: str) -> bool:
    try:
        return str(UUID(state_id)) == state_id
    except ValueError:
        return False
