"""The cost of tokens, in whole nano-credits. Pure, exact."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

_PERCENT = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Rates:
    """What tokens cost, in nano-credits per token."""

    prompt_nano: int
    completion_nano: int
    cached_nano: int

    def with_margin(self, percent: Decimal) -> "Rates":
        """Return these rates plus a percentage, rounded up to whole nano-credits."""
        factor = 1 + Fraction(percent) / 100
        return Rates(
            math.ceil(self.prompt_nano * factor),
            math.ceil(self.completion_nano * factor),
            math.ceil(self.cached_nano * factor),
        )


def dearest(rates: Sequence[Rates]) -> Rates:
    """Return the highest rate of each kind, which covers whichever of them is charged."""
    return Rates(
        max(rate.prompt_nano for rate in rates),
        max(rate.completion_nano for rate in rates),
        max(rate.cached_nano for rate in rates),
    )


@dataclass(frozen=True, slots=True)
class PriceValue:
    """A price, in nano-credits per token. `id` is the row it was read from, valid from a moment on."""

    id: int
    prompt_nano: int
    completion_nano: int
    cached_nano: int
    valid_from: datetime | None = field(default=None, compare=False)

    @property
    def rates(self) -> Rates:
        return Rates(self.prompt_nano, self.completion_nano, self.cached_nano)


def cost_nano(
    price: PriceValue, *, prompt_tokens: int, completion_tokens: int = 0, cached_tokens: int = 0
) -> int:
    """Return what the tokens cost; `prompt_tokens` include the cached ones.

    Raises ValueError for impossible counts.
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


def percent_of(text: str) -> Decimal:
    """Parse a percentage, 0 or more. Raises ValueError, which quotes the text."""
    if _PERCENT.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no percentage: write one from 0 up to 99999, such as 12.5.")
    return Decimal(text)
