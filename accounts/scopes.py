"""The scopes of API keys and access tokens."""

from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import InsufficientScope
from accounts.principal import Principal

Scope = Literal["chat", "usage", "keys"]

SCOPES: dict[Scope, str | Promise] = {
    "chat": _("Ask models in your name and spend your balance on it."),
    "usage": _(
        "See your balance, your usage and the details of past requests, without their texts."
    ),
    "keys": _(
        "Create, change and revoke your API keys, and say which models answer for other services' names."
        " A key goes on spending your balance after you log out, until you revoke it."
    ),
}
"""What the consent page says of each scope."""

# A key that could make keys would outlive its own revocation.
KEY_SCOPES: tuple[Scope, ...] = ("chat", "usage")


def key_scopes() -> list[str]:
    """Return the scopes of a new API key."""
    return list(KEY_SCOPES)


def require_scope(principal: Principal, scope: str) -> None:
    """Raise InsufficientScope where the credential does not have the scope."""
    if scope not in principal.scopes:
        raise InsufficientScope(scope)
