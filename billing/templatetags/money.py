"""How pages show money: nano-credits as roubles, exact, in the reader's own notation."""

from decimal import Decimal

from django import template
from django.utils.formats import number_format

NANO_DIGITS = 9
LEAST_DIGITS = 2

register = template.Library()


@register.filter
def roubles(amount_nano: int) -> str:
    """Return `1 234,50 ₽`: every digit that is there, two after the point at least."""
    text = f"{Decimal(amount_nano).scaleb(-NANO_DIGITS):.{NANO_DIGITS}f}".rstrip("0")
    digits = max(LEAST_DIGITS, len(text.partition(".")[2]))
    shown = number_format(Decimal(text), decimal_pos=digits, force_grouping=True)
    return f"{shown}\N{NO-BREAK SPACE}₽"
