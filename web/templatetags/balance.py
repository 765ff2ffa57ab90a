"""The balance at the head of every page of the cabinet."""

from django import template
from django.template import Context

from accounts.signin.sessions import account_of
from billing.errors import MoneyStoreUnavailable
from billing.ledger import balances

register = template.Library()


@register.simple_tag(takes_context=True)
def available_nano(context: Context) -> int | None:
    """Return what the person who is logged in may spend; None of a stranger, or without the database."""
    request = context.get("request")
    if request is None or not request.user.is_authenticated:
        return None
    try:
        return balances.exact(account_of(request).pk).available_nano
    except MoneyStoreUnavailable:
        return None
