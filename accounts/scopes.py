"""What a credential may do: the one dict of scopes, for keys and for OAuth."""

from typing import Literal

Scope = Literal["chat", "usage", "keys"]

SCOPES: dict[Scope, str] = {
    "chat": "Run models, list them, and read the key's own limits.",
    "usage": "Read the balance, the usage and the details of past completions.",
    "keys": "Create, change and revoke API keys.",
}

# A key that could make keys would outlive its own revocation.
KEY_SCOPES: tuple[Scope, ...] = ("chat", "usage")


def key_scopes() -> list[str]:
    """Return the scopes of a new API key."""
    return list(KEY_SCOPES)
