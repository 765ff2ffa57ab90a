"""Amounts of money as people read them, in the active language's digits: exact, or rounded to kopecks."""

from decimal import ROUND_HALF_UP, Decimal

from django.utils.formats import number_format

from infra.credits import NANO_PER_KOPECK, credits_of, credits_text

LEAST_DIGITS, MOST_DIGITS = 2, 9
KOPECK = Decimal("0.01")
BELOW_A_KOPECK_DIGITS = 2


def exact_roubles(amount_nano: int) -> str:
    """Return `1 234,50 ₽`: all decimals, at least two."""
    digits = max(LEAST_DIGITS, len(credits_text(amount_nano).partition(".")[2]))
    return _shown(credits_of(amount_nano), digits)


def rounded_roubles(amount_nano: int) -> str:
    """Return an amount in whole kopecks; one below a kopeck by its first two digits, so that it is not 0."""
    amount = credits_of(amount_nano)
    if 0 < abs(amount_nano) < NANO_PER_KOPECK:
        digits = min(BELOW_A_KOPECK_DIGITS - 1 - amount.adjusted(), MOST_DIGITS)
        return _shown(round(amount, digits), digits)
    return _shown(amount.quantize(KOPECK, ROUND_HALF_UP), LEAST_DIGITS)


def _shown(amount: Decimal, digits: int) -> str:
    shown = number_format(amount, decimal_pos=digits, force_grouping=True)
    return f"{shown}\N{NO-BREAK SPACE}₽".replace("-", "\N{MINUS SIGN}")
