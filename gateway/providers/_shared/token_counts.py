"""Which values in an answer can be counts of tokens."""

from typing import Any, TypeGuard

TOKENS_MAX = 10**9


def is_count(value: Any) -> TypeGuard[int]:
    """Tell whether `value` can be a number of tokens."""
    return type(value) is int and 0 <= value <= TOKENS_MAX


def read_count(value: Any) -> int | None:
    """Read a count, a number or an int64 as proto3 writes it, a string; None if it is no count of tokens."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    return value if is_count(value) else None
