"""Tokens times price is an amount, in whole nano-credits; amounts as people read them. Pure, exact."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from billing.constants import MAX_AMOUNT_NANO, NANO_PER_CREDIT

_NANO_PLACES = 9
_PERCENT = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Rates:
    """What tokens cost, in nano-credits per token."""

    prompt_nano: int
    completion_nano: int
    cached_nano: int

    def with_margin(self, percent: Decimal) -> "Rates":
        """Return these rates and so many percent more, rounded up to whole nano-credits."""
        factor = 1 + Fraction(percent) / 100
        return Rates(
            math.ceil(self.prompt_nano * factor),
            math.ceil(self.completion_nano * factor),
            math.ceil(self.cached_nano * factor),
        )


@dataclass(frozen=True, slots=True)
class PriceValue:
    """A price in force, in nano-credits per token. `id` names the dated row it was read from."""

    id: int
    prompt_nano: int
    completion_nano: int
    cached_nano: int

    @property
    def rates(self) -> Rates:
        return Rates(self.prompt_nano, self.completion_nano, self.cached_nano)


def cost_nano(
    price: PriceValue, *, prompt_tokens: int, completion_tokens: int = 0, cached_tokens: int = 0
) -> int:
    """Return what the tokens cost; the cached ones are part of the prompt's.

    Whole tokens times whole nano-credits need no rounding. Raises ValueError for counts that cannot be.
    """
    if not 0 <= cached_tokens <= prompt_tokens or completion_tokens < 0:
        raise ValueError(
            f"Tokens cannot be counted so: {prompt_tokens} in the prompt, {cached_tokens} of them"
            f" cached, {completion_tokens} in the answer."
        )
    return (
        (prompt_tokens - cached_tokens) * price.prompt_nano
        + cached_tokens * price.cached_nano
        + completion_tokens * price.completion_nano
    )


def credits_of(amount_nano: int) -> Decimal:
    """Return an amount as credits, exactly."""
    sign, digits = (1 if amount_nano < 0 else 0), Decimal(abs(amount_nano)).as_tuple().digits
    return Decimal((sign, digits, -_NANO_PLACES))


def credits_text(amount_nano: int) -> str:
    """Return an amount as a plain decimal number of credits: no exponent, no idle zeros."""
    whole, fraction = divmod(abs(amount_nano), NANO_PER_CREDIT)
    sign = "-" if amount_nano < 0 else ""
    decimals = f"{fraction:0{_NANO_PLACES}d}".rstrip("0")
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def nano_of(credit_amount: Decimal) -> int:
    """Return credits as nano-credits. Raises ValueError for what is no whole number of them."""
    if not credit_amount.is_finite() or abs(credit_amount) * NANO_PER_CREDIT > MAX_AMOUNT_NANO:
        raise ValueError(f"{credit_amount} is no amount of credits.")
    numerator, denominator = credit_amount.as_integer_ratio()
    amount_nano, rest = divmod(numerator * NANO_PER_CREDIT, denominator)
    if rest:
        raise ValueError(f"{credit_amount} has more than {_NANO_PLACES} decimal places.")
    return amount_nano


def percent_of(text: str) -> Decimal:
    """Read a percentage from 0 up. Raises ValueError, which repeats the text."""
    if _PERCENT.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no percentage: write one from 0 up to 99999, such as 12.5.")
    return Decimal(text)
