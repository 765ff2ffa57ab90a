"""Search by a caller's ECMA-262 expression in time that grows with the text alone, in bounded memory. Pure.

JSON Schema writes expressions as ECMA-262 does; RE2 runs them without backtracking, and has another dialect.
Sources: tc39.es/ecma262, RegExp patterns and their Annex B; github.com/google/re2/wiki/Syntax.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import re2

MOST_CHARACTERS = 2000
MOST_BYTES, MOST_BYTES_OF_LARGE = 1 << 18, 1 << 21
"""What an expression may take: its program, and what RE2 notes while it searches.

`.{1,1000}` and `\\p{L}{1,50}` make programs that only the second holds.
"""

MOST_KEPT, MOST_LARGE_KEPT = 128, 16
"""How many of either size a process keeps compiled, some 64 MiB at worst; more than a schema has."""

TOO_LARGE_COST = MOST_BYTES // 24
TOO_LARGE_FOR_ALL_COST = MOST_BYTES_OF_LARGE // 24
"""Instructions that RE2 has written, at most, when it gives up."""

_SPACE = r"\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}"
_NO_SPACE = (
    r"\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}"
    r"\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}"
)
_SETS = {name: rf"\{name}" for name in "dDwW"} | {"s": _SPACE, "S": _NO_SPACE}
_NOT_A_LINE_END = r"[^\x{a}\x{d}\x{2028}\x{2029}]"
_ANY, _NONE = r"[\x{0}-\x{10ffff}]", r"[^\x{0}-\x{10ffff}]"
_CONTROLS = {"0": 0, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13}

_GROUP = re.compile(r"\(\?(?::|<[A-Za-z_$][A-Za-z0-9_$]*>)")
_COUNT = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
_PROPERTY = re.compile(r"\\([pP])\{(?:(?:General_Category|gc|Script|sc)=)?(\^?[A-Za-z_]{1,40})\}")
_NUMBERED = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\})")
_PAIR = re.compile(r"\\u([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"\\c([A-Za-z])")
_CATEGORIES = {
    "Letter": "L",
    "Lowercase_Letter": "Ll",
    "Uppercase_Letter": "Lu",
    "Mark": "M",
    "Number": "N",
    "Decimal_Number": "Nd",
    "Punctuation": "P",
    "Symbol": "S",
    "Separator": "Z",
    "Space_Separator": "Zs",
}


class Compiled(NamedTuple):
    """`expression` is None where RE2 cannot run it; `cost` are the instructions written to find that out."""

    expression: "Expression | None"
    cost: int


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression of a caller's that is safe to run; `size` are its instructions."""

    size: int
    _compiled: Any = field(repr=False)

    def is_in(self, text: bytes) -> bool:
        """Say whether a part of the text, in UTF-8, matches. Takes at most `size` steps a byte."""
        return self._compiled.search(text) is not None


def compiled(pattern: str) -> Compiled:
    """Compile an expression; one that looks around or back, or is too large, has no such form."""
    if len(pattern) > MOST_CHARACTERS:
        return Compiled(None, 0)
    return _small(pattern) or _large(pattern)


@lru_cache(MOST_KEPT)
def _small(pattern: str) -> Compiled | None:
    return _compiled(pattern, MOST_BYTES, 0)


@lru_cache(MOST_LARGE_KEPT)
def _large(pattern: str) -> Compiled:
    found = _compiled(pattern, MOST_BYTES_OF_LARGE, TOO_LARGE_COST)
    return found or Compiled(None, TOO_LARGE_FOR_ALL_COST)


def _compiled(pattern: str, most_bytes: int, cost: int) -> Compiled | None:
    """Return None for an expression that takes more memory; `cost` is that of earlier attempts."""
    options = re2.Options()
    options.max_mem = most_bytes
    options.never_capture = True
    options.log_errors = False
    try:
        # Not by `re2.compile`, which keeps what it has compiled itself.
        found = re2._Regexp(_translated(pattern), options)
    except (_NotUnderstood, UnicodeEncodeError):
        return Compiled(None, cost)
    except re2.error as error:
        return None if "too large" in str(error) else Compiled(None, cost)
    return Compiled(Expression(found.programsize, found), cost + found.programsize)


class _NotUnderstood(Exception):
    """The expression says what RE2 cannot, or nothing that ECMA-262 knows."""


def _translated(pattern: str) -> str:
    """Write an expression for RE2. Raises _NotUnderstood."""
    written: list[str] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        step = 1
        if character == "\\":
            written_escape, step = _escape(pattern, at)
            written.append(written_escape)
        elif character == "[":
            written_class, step = _class(pattern, at)
            written.append(written_class)
        elif character == "(":
            group = _GROUP.match(pattern, at)
            if group is None and pattern.startswith("(?", at):
                raise _NotUnderstood
            step = len(group[0]) if group else 1
            written.append("(?:")
        elif character == "{":
            count = _COUNT.match(pattern, at)
            step = len(count[0]) if count else 1
            written.append(count[0] if count else r"\{")
        elif character in "]}":
            written.append(f"\\{character}")
        else:
            written.append(_NOT_A_LINE_END if character == "." else character)
        at += step
    return "".join(written)


def _escape(pattern: str, at: int) -> tuple[str, int]:
    """Return what stands for the escape, and its length."""
    name = pattern[at + 1 : at + 2]
    if name in ("b", "B"):
        return f"\\{name}", 2
    text, code, step = _atom(pattern, at)
    return (f"[{text}]" if code is None else text), step


def _class(pattern: str, at: int) -> tuple[str, int]:
    """Return what stands for the class of characters, and its length."""
    start = at
    is_negated = pattern.startswith("[^", at)
    at += 2 if is_negated else 1
    atoms: list[tuple[str, int | None]] = []
    while not pattern.startswith("]", at):
        text, code, step = _atom(pattern, at)
        at += step
        is_range = pattern.startswith("-", at) and not pattern.startswith("-]", at)
        if code is not None and is_range:
            last, last_code, last_step = _atom(pattern, at + 1)
            if last_code is not None:
                if last_code < code:
                    raise _NotUnderstood
                text, at = f"{text}-{last}", at + 1 + last_step
        atoms.append((text, code))
    step = at + 1 - start
    if not atoms:
        return (_ANY if is_negated else _NONE), step
    return f"[{'^' if is_negated else ''}{''.join(text for text, _ in atoms)}]", step


def _atom(pattern: str, at: int) -> tuple[str, int | None, int]:
    """Return what a class may hold, the code of the character, None for a set of them, and the length."""
    if at >= len(pattern):
        raise _NotUnderstood
    if pattern[at] != "\\":
        return _character(ord(pattern[at]), 1)
    name = pattern[at + 1 : at + 2]
    if name in _SETS:
        return _SETS[name], None, 2
    if found := _PROPERTY.match(pattern, at):
        return f"\\{found[1]}{{{_CATEGORIES.get(found[2], found[2])}}}", None, len(found[0])
    if pair := _PAIR.match(pattern, at):
        high, low = int(pair[1], 16), int(pair[2], 16)
        return _character(0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF), len(pair[0]))
    if found := _NUMBERED.match(pattern, at):
        return _character(int(found[1] or found[2] or found[3], 16), len(found[0]))
    if found := _CONTROL.match(pattern, at):
        return _character(ord(found[1]) % 32, len(found[0]))
    if name in _CONTROLS and not (name == "0" and pattern[at + 2 : at + 3].isdigit()):
        return _character(_CONTROLS[name], 2)
    if name == "b":
        return _character(8, 2)
    # Of letters and digits ECMA-262 leaves no other; Python's \A and \Z mean nothing there.
    if not name or (name.isascii() and name.isalnum()):
        raise _NotUnderstood
    return _character(ord(name), 2)


def _character(code: int, step: int) -> tuple[str, int, int]:
    if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
        raise _NotUnderstood
    return f"\\x{{{code:x}}}", code, step
