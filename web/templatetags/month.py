"""A template filter for the calculator of the catalogue."""

from django import template

from web.public.model_entries import ModelEntry
from web.public.month import Month

register = template.Library()


@register.filter
def month_nano(entry: ModelEntry, month: Month) -> int:
    """Return what a month costs on a model, in nano-credits."""
    return month.cost_nano(entry)
