"""Links of a navigation: the page that is read is marked as the current one."""

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def nav_link(context: Context, address: str, label: str, exact: bool = False) -> SafeString:
    """Return a link. It is current on its own page, and on the pages below it unless `exact`."""
    request = context.get("request")
    path = request.path if request is not None else ""
    if path == address:
        current = "page"
    elif not exact and path.startswith(address):
        current = "true"
    else:
        return format_html('<a href="{}">{}</a>', address, label)
    return format_html('<a href="{}" aria-current="{}">{}</a>', address, current, label)
