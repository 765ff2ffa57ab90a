"""Names of tools as every provider takes them, and back to what the caller called them."""

from collections.abc import Iterable
from string import ascii_letters, digits
from zlib import crc32

from gateway.providers.chat_types import ChatRequest

LONGEST = 64
_FIRST = frozenset(ascii_letters + "_")
_LATER = _FIRST | frozenset(digits)


class ToolNames:
    """A two-way map between the caller's names and `[A-Za-z_][A-Za-z0-9_]{0,63}`, with `signs` beside `_`.

    A name that fits already stays as it is, unless the provider has `reserved` it. Any other is
    rewritten, with a checksum of the original when the plain rewriting is taken or too long: never
    with a count, so that a name is written alike in every turn of a conversation.
    """

    __slots__ = ("_from_wire", "_to_wire")

    def __init__(
        self, names: Iterable[str], *, reserved: frozenset[str] = frozenset(), signs: str = ""
    ) -> None:
        wanted = list(dict.fromkeys(names))
        later = _LATER.union(signs) if signs else _LATER
        fitting = [name for name in wanted if _fits(name, later) and name not in reserved]
        self._to_wire = dict(zip(fitting, fitting, strict=True))
        taken = set(fitting) | reserved
        for name in wanted:
            if name not in self._to_wire:
                wire = _rewritten(name, taken)
                taken.add(wire)
                self._to_wire[name] = wire
        self._from_wire = {wire: name for name, wire in self._to_wire.items()}

    def to_wire(self, name: str) -> str:
        """Return the provider's name of a tool. Raises KeyError for an unknown one."""
        return self._to_wire[name]

    def from_wire(self, wire: str) -> str:
        """Return the caller's name; a name the provider made up stays as it is."""
        return self._from_wire.get(wire, wire)


def tool_names(
    request: ChatRequest, *, reserved: frozenset[str] = frozenset(), signs: str = ""
) -> ToolNames:
    """Name every tool that a request offers, or that an earlier turn called or answered."""
    names = [tool.name for tool in request.tools]
    for message in request.messages:
        names += [call.name for call in message.tool_calls]
    names += [
        message.name for message in request.messages if message.role == "tool" and message.name
    ]
    return ToolNames(names, reserved=reserved, signs=signs)


def _fits(name: str, later: frozenset[str]) -> bool:
    return 0 < len(name) <= LONGEST and name[0] in _FIRST and later.issuperset(name)


def _rewritten(name: str, taken: set[str]) -> str:
    plain = "".join(letter if letter in _LATER else "_" for letter in name)
    if not plain or plain[0] not in _FIRST:
        plain = f"_{plain}"
    if len(plain) <= LONGEST and plain not in taken:
        return plain
    salt = 0
    while True:
        mark = f"_{crc32(name.encode('utf-8', 'replace'), salt):08x}"
        wire = plain[: LONGEST - len(mark)] + mark
        if wire not in taken:
            return wire
        salt += 1
