"""JSON whose whole numbers may be longer than 64 bits, as the 20 digits of a bank account are.

orjson reads such a number as a float, which loses its last digits, and writes none.
"""

import json
from typing import Any

import orjson

_DIGITS_TO_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19


def loads(data: bytes | str) -> Any:
    """Read JSON, whole numbers of any length exactly. Raises orjson.JSONDecodeError."""
    value = orjson.loads(data)
    written = data.encode() if isinstance(data, str) else data
    if _LONG_NUMBER not in written.translate(_DIGITS_TO_ZEROS):  # a tenth of what a pattern takes
        return value
    try:
        return json.loads(data)
    except (ValueError, RecursionError):  # thousands of digits, or of levels
        return value


def dumps(value: Any) -> bytes:
    """Write JSON as UTF-8, whole numbers of any length too. Raises orjson.JSONEncodeError."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        if "64-bit" not in str(error):
            raise
        try:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError):
            raise error from None
