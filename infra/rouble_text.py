"""Amounts of money as people read them, in the active language's digits: exact, or rounded to kopecks."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from django.utils.formats import get_format, number_format

from infra.credits import NANO_PER_KOPECK, credits_of, credits_text

LEAST_DIGITS, MOST_DIGITS = 2, 9
KOPECK = Decimal("0.01")
BELOW_A_KOPECK_DIGITS = 2
_UNIT = "\N{NO-BREAK SPACE}₽"


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


def amount_of(text: str) -> Decimal | None:
    """Return the roubles that a text of this file shows; None where it is another text."""
    shown, unit, rest = text.partition(_UNIT)
    if not unit or rest:
        return None
    for sign, plain in (
        (get_format("THOUSAND_SEPARATOR"), ""),
        (get_format("DECIMAL_SEPARATOR"), "."),
        ("\N{MINUS SIGN}", "-"),
    ):
        shown = shown.replace(sign, plain)
    try:
        return Decimal(shown)
    except InvalidOperation:
        return None


def _shown(amount: Decimal, digits: int) -> str:
    shown = number_format(amount, decimal_pos=digits, force_grouping=True)
    return f"{shown}{_UNIT}".replace("-", "\N{MINUS SIGN}")
