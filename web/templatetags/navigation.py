"""Navigation links, with the current page marked, and their icons."""

from django import template
from django.template import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def nav_link(
    context: Context, address: str, label: str, exact: bool = False, icon_name: str = ""
) -> SafeString:
    """Return a link. It is current on its own page, and on the pages below it unless `exact`."""
    request = context.get("request")
    path = request.path if request is not None else ""
    mark = icon(icon_name) if icon_name else ""
    if path == address:
        current = "page"
    elif not exact and path.startswith(address):
        current = "true"
    else:
        return format_html('<a href="{}">{}{}</a>', address, mark, label)
    return format_html('<a href="{}" aria-current="{}">{}{}</a>', address, current, mark, label)


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return a picture of static/icons.svg, in the colour of the text beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        static("icons.svg"),
        name,
    )
