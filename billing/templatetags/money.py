"""Template filters for money: nano-credits as roubles, in the reader's locale."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from infra.rouble_text import exact_roubles, rounded_roubles

register = template.Library()


@register.filter
def roubles(amount_nano: int) -> str:
    """Return `1 234,50 ₽`: all decimals, at least two."""
    return exact_roubles(amount_nano)


@register.filter
def kopecks(amount_nano: int) -> SafeString | str:
    """Return an amount rounded to kopecks; where that leaves something out, the exact one is its tooltip."""
    exact, rounded = exact_roubles(amount_nano), rounded_roubles(amount_nano)
    if exact == rounded:
        return exact
    return format_html('<span title="{}">{}</span>', exact, rounded)
