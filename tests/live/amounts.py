"""Amounts as the API's JSON has them."""

from decimal import Decimal

from infra.credits import parse_credits


def nano_of(credit_amount: Decimal) -> int:
    """Return credits as whole nano-credits. Raises ValueError where they are not whole."""
    return parse_credits(f"{credit_amount:f}")
