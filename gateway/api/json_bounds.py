"""Bounds of a JSON text, watched piece by piece before any of it is parsed.

All work on the bytes is done by functions of C: what a parser would make of a hostile text costs
seconds and gigabytes, and to find that out here some milliseconds.
"""

from itertools import accumulate

from gateway.api.errors import BadRequest

MAX_DEPTH = 64
MAX_VALUES = 100_000

_STEPS = {ord("["): 1, ord("]"): -1}
_TO_LISTS = bytes.maketrans(b"{}", b"[]")
_SPACES = b" \t\r\n"
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class JSONBounds:
    """Counts the values and the levels of one text; an object's member is one value, its name is none.

    `values` are those so far without the outermost one, `depth` the levels that are open. What is no JSON
    is counted in some way, for the parser refuses it.
    """

    def __init__(self) -> None:
        self._is_in_string = False
        self._escape = b""
        self._opening = b""
        self.depth = 0
        self.values = 0
        self._openings = 0
        self._strings = 0

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the text. Raises BadRequest once a bound is passed."""
        piece = (self._escape + piece).replace(b"\\\\", b"")
        self._escape = b"\\" if piece.endswith(b"\\") else b""
        piece = piece.removesuffix(b"\\").replace(b'\\"', b"")
        parts = piece.split(b'"')
        # The quotes stay, so that a list of one string does not look empty.
        outside = b'"'.join(parts[1 if self._is_in_string else 0 :: 2])
        self._strings += len(parts) // 2
        if len(parts) % 2 == 0:
            self._is_in_string = not self._is_in_string
        if self._is_in_string:
            outside += b'"'
        self._count_values(outside)
        self._measure_depth(outside)

    def _count_values(self, outside: bytes) -> None:
        text = self._opening + outside.translate(None, _SPACES)
        self._opening = text[-1:] if text.endswith((b"[", b"{")) else b""
        text = text[: len(text) - len(self._opening)]
        openings = text.count(b"[") + text.count(b"{")
        empty = text.count(b"[]") + text.count(b"{}")
        self.values += text.count(b",") + openings - empty
        # Where there are no commas between things, it is no JSON: not too much of that either.
        self._openings += openings
        if max(self.values, self._openings - 1, self._strings // 2) > MAX_VALUES:
            raise BadRequest(f"The body has more than {MAX_VALUES} values.", code="invalid_json")

    def _measure_depth(self, outside: bytes) -> None:
        brackets = outside.translate(_TO_LISTS, _ALL_BUT_BRACKETS)
        if not brackets:
            return
        depths = list(accumulate(map(_STEPS.__getitem__, brackets), initial=self.depth))
        if min(depths) < 0:
            raise BadRequest("The body closes more brackets than it opens.", code="invalid_json")
        if max(depths) > MAX_DEPTH:
            raise BadRequest(
                f"The body is nested deeper than {MAX_DEPTH} levels.", code="invalid_json"
            )
        self.depth = depths[-1]
