"""The button that puts a new key into the examples of a page, for those who are logged in."""

from django import template
from django.template import Context

from web.cabinet.keys import new_key_token
from web.public.code_samples import KEY_PLACEHOLDER

register = template.Library()


@register.inclusion_tag("_example_key.html", takes_context=True)
def example_key(context: Context) -> dict[str, object]:
    """Show the button to those who are logged in."""
    request = context.get("request")
    if request is None or not request.user.is_authenticated:
        return {}
    return {
        "placeholder": KEY_PLACEHOLDER,
        "form_token": new_key_token(request),
        "csrf_token": context.get("csrf_token"),
    }
