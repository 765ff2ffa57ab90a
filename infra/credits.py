"""Amounts of money: whole nano-credits inside, decimal texts outside. One credit is one rouble. Pure, exact."""

import re
from decimal import Decimal

NANO_PER_CREDIT = 1_000_000_000
NANO_PER_KOPECK = NANO_PER_CREDIT // 100
MAX_AMOUNT_NANO = 10**18
"""No movement and no cost is larger, so that eight of them, and their sums, fit a BIGINT."""

_PLACES = 9

# More digits than any amount may have, so that whoever owns the bound can name it.
_PLAIN = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?")
_SPACES = str.maketrans(dict.fromkeys("\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}", " "))
_GROUPED = re.compile(r"-?[0-9]{1,3}(?: [0-9]{3})+(?![0-9])")
_AMBIGUOUS = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+")


def credits_of(amount_nano: int) -> Decimal:
    """Return an amount as credits, exactly."""
    sign, digits = (1 if amount_nano < 0 else 0), Decimal(abs(amount_nano)).as_tuple().digits
    return Decimal((sign, digits, -_PLACES))


def credits_text(amount_nano: int) -> str:
    """Return an amount as a plain decimal number of credits: no exponent, no trailing zeros."""
    whole, fraction = divmod(abs(amount_nano), NANO_PER_CREDIT)
    sign = "-" if amount_nano < 0 else ""
    decimals = f"{fraction:0{_PLACES}d}".rstrip("0")
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def parse_credits(text: str) -> int:
    """Read credits as programs write them, such as `1500`, `0.5` or `-1.25`; return nano-credits.

    Raises ValueError for anything else: exponents, spaces, more than 9 decimal places, infinity.
    """
    found = _PLAIN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no amount of credits.")
    sign, whole, decimals = found.groups(default="")
    amount_nano = int(whole) * NANO_PER_CREDIT + int(decimals.ljust(_PLACES, "0"))
    return -amount_nano if sign else amount_nano


def parse_roubles(text: str, *, places: int = _PLACES) -> int:
    """Read roubles as people type them, with `places` decimals at most; return nano-credits.

    The decimals follow a point or a comma, and spaces may part the thousands. Raises ValueError, also for
    `1,000`, which could mean one rouble or a thousand.
    """
    plain = text.translate(_SPACES).strip()
    if grouped := _GROUPED.match(plain):
        plain = grouped[0].replace(" ", "") + plain[grouped.end() :]
    if _AMBIGUOUS.fullmatch(plain):
        raise ValueError(f"{text[:40]!r} could mean two amounts.")
    plain = plain.replace(",", ".")
    if len(plain.partition(".")[2]) > places:
        raise ValueError(f"{text[:40]!r} has more than {places} decimal places.")
    return parse_credits(plain)
