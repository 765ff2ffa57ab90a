"""The dashboard on the operators' first page, for those who may view the ledger."""

from typing import Any

from django import template
from django.db import DatabaseError, InterfaceError
from django.template import Context

from billing.errors import MoneyStoreUnavailable
from web.operators.dashboard import dashboard

register = template.Library()


@register.inclusion_tag("admin/_dashboard.html", takes_context=True)
def show_dashboard(context: Context) -> dict[str, Any]:
    """Show the figures, nothing without the right to view the ledger, or that the database is away."""
    if not context["request"].user.has_perm("billing.view_ledgerentry"):
        return {}
    try:
        return {"dashboard": dashboard()}
    except (DatabaseError, InterfaceError, MoneyStoreUnavailable):
        return {"is_away": True}
