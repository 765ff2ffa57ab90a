"""JSON of answers, also where a cut between two texts has parted the halves of a character.

A character beyond U+FFFF is two escapes, `\\ud83d\\udc4b`. A server that cuts its text by UTF-16 units may
put the first at the end of one text and the second at the beginning of the next, or lose the second to a limit.
A byte order mark before a text is passed over: RFC 8259, section 8.1.
"""

import codecs
import re
from typing import Any

import orjson

from infra import exact_json

_ESCAPES = re.compile(
    rb"\\u[dD][89abAB]..\\u[dD][c-fC-F].."
    rb"|(?P<first>\\u[dD][89abAB]..)|(?P<second>\\u[dD][c-fC-F]..)|\\."
)
_UNKNOWN = rb"\ufffd"


class AnswerJSON:
    """Parses the JSON texts of one answer, in their order."""

    def __init__(self) -> None:
        self._half = b""

    def read(self, data: bytes) -> Any:
        """Parse `data`. Raises orjson.JSONDecodeError.

        Half a character at the end of a text is kept for the one that begins with the other half. Any other
        half is U+FFFD.
        """
        data = data.removeprefix(codecs.BOM_UTF8)
        try:
            return exact_json.loads(data)
        except orjson.JSONDecodeError as error:
            if "surrogate" not in str(error):
                raise
        kept = b""

        def whole(escape: re.Match[bytes]) -> bytes:
            nonlocal kept
            start, end = escape.span()
            if escape["first"] and data[end : end + 1] == b'"':
                kept = escape["first"]
                return b""
            before = data[max(start - 2, 0) : start]
            if escape["second"] and self._half and before.endswith(b'"') and before != rb"\"":
                return self._half + escape["second"]
            return _UNKNOWN if escape["first"] or escape["second"] else escape[0]

        value = exact_json.loads(_ESCAPES.sub(whole, data))
        self._half = kept
        return value


def read_answer_json(data: bytes) -> Any:
    """Parse an answer that is one JSON text. Raises orjson.JSONDecodeError."""
    return AnswerJSON().read(data)
