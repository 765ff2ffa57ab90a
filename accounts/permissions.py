"""Whether a principal may do what it asks."""

from accounts.errors import InsufficientScope
from accounts.principal import Principal


def require_scope(principal: Principal, scope: str) -> None:
    """Raise InsufficientScope where the credential does not bear the scope."""
    if scope not in principal.scopes:
        raise InsufficientScope(scope)
