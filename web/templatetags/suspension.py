"""The notice that the account of the person who is logged in is suspended."""

from typing import Any

from django import template
from django.template import Context

from accounts.users import own_account

register = template.Library()


@register.inclusion_tag("cabinet/_suspended.html", takes_context=True)
def suspension_notice(context: Context) -> dict[str, Any]:
    """Say why and since when, on every page of the cabinet."""
    user = context["request"].user
    if not user.is_authenticated:
        return {}
    account = own_account(user)
    return {"since": account.suspended_at, "reason": account.suspension_reason}
