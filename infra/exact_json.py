"""JSON whose whole numbers may be longer than 64 bits, as the 20 digits of a bank account are.

orjson reads such a number as a float, which loses its last digits, and writes none.
"""

import json
import re
from typing import Any

import orjson

_LONG_NUMBER = re.compile(r"\d{19}")
_LONG_NUMBER_IN_BYTES = re.compile(rb"\d{19}")


def loads(data: bytes | str) -> Any:
    """Read JSON, whole numbers of any length exactly. Raises orjson.JSONDecodeError."""
    value = orjson.loads(data)
    long_number = _LONG_NUMBER if isinstance(data, str) else _LONG_NUMBER_IN_BYTES
    if long_number.search(data) is None:  # type: ignore[arg-type]
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
