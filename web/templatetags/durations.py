"""A template filter for durations: milliseconds, and seconds once there is a whole one."""

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext, pgettext

SECOND_MS = 1000

register = template.Library()


@register.filter
def duration(duration_ms: int) -> str:
    """Return `142 ms` or `1.24 s`."""
    if duration_ms < SECOND_MS:
        return gettext("%(ms)s ms") % {"ms": duration_ms}
    seconds = number_format(duration_ms / SECOND_MS, decimal_pos=2, force_grouping=True)
    return f"{seconds}\N{NO-BREAK SPACE}{pgettext('seconds', 's')}"
