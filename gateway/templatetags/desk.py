"""The dashboard on the first page of the operators' desk, for those who may read the books."""

from typing import Any

from django import template
from django.db import DatabaseError, InterfaceError
from django.template import Context

from billing.errors import MoneyStoreUnavailable
from gateway.dashboard import dashboard

register = template.Library()


@register.inclusion_tag("admin/_dashboard.html", takes_context=True)
def show_dashboard(context: Context) -> dict[str, Any]:
    """Show the figures; without the right to see the ledger nothing, while the books are away a word of it."""
    if not context["request"].user.has_perm("billing.view_ledgerentry"):
        return {}
    try:
        return {"dashboard": dashboard()}
    except (DatabaseError, InterfaceError, MoneyStoreUnavailable):
        return {"is_away": True}
