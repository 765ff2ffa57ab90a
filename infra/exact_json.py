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
    if not may_have_long_numbers(data):
        return value
    try:
        return json.loads(data)
    except (ValueError, RecursionError):  # thousands of digits, or of levels
        return value


def may_have_long_numbers(data: bytes | str) -> bool:
    """Say whether so many digits stand in a row somewhere that orjson may not read them exactly."""
    written = data.encode() if isinstance(data, str) else data
    # A tenth of what a pattern takes.
    return _LONG_NUMBER in written.translate(_DIGITS_TO_ZEROS)


def dumps(value: Any, *, sorts_keys: bool = False) -> bytes:
    """Write JSON as UTF-8, whole numbers of any length too. Raises orjson.JSONEncodeError."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS if sorts_keys else None)
    except orjson.JSONEncodeError as error:
        if "64-bit" not in str(error):
            raise
        try:
            return json.dumps(
                value, ensure_ascii=False, separators=(",", ":"), sort_keys=sorts_keys
            ).encode()
        except (TypeError, ValueError, RecursionError):
            raise error from None
