"""Which numbers in an answer can be counts of tokens."""

from typing import Any, TypeGuard

TOKENS_MAX = 10**9


def is_count(value: Any) -> TypeGuard[int]:
    """Tell whether `value` can be a number of tokens."""
    return type(value) is int and 0 <= value <= TOKENS_MAX
