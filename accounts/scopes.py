"""What a credential may do: the one dict of scopes, for keys and for OAuth."""

from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Scope = Literal["chat", "usage", "keys"]

SCOPES: dict[Scope, str | Promise] = {
    "chat": _("Ask models in your name and spend your balance on it."),
    "usage": _(
        "See your balance, your usage and the details of past requests, without their texts."
    ),
    "keys": _(
        "Create, change and revoke your API keys. A key goes on spending your balance after you log"
        " out, until you revoke it."
    ),
}
"""What a person is told that the scope allows."""

# A key that could make keys would outlive its own revocation.
KEY_SCOPES: tuple[Scope, ...] = ("chat", "usage")


def key_scopes() -> list[str]:
    """Return the scopes of a new API key."""
    return list(KEY_SCOPES)
