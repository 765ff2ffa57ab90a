"""Access tokens: how they are made, and the caller that each stands for. Only their SHA-256 is stored."""

from typing import Any

from oauth2_provider.models import Application

from accounts.keys.key_format import TOKEN_PREFIX, make_secret
from accounts.models import IssuedToken
from accounts.principal import Principal


def new_token(request: Any, refresh_token: bool = False) -> str:
    """Return a new raw access token, as the toolkit's ACCESS_TOKEN_GENERATOR."""
    return make_secret(TOKEN_PREFIX)


def principal_of(issued: IssuedToken) -> Principal:
    """Return the caller that a token stands for: its user, with the user's own account and its limits."""
    return Principal(
        account_id=issued.account_id,
        user_id=issued.token.user_id,
        credential_kind="oauth",
        credential_id=issued.token_id,
        scopes=frozenset(issued.token.scope.split()),
        label=issued.token.application.name,
        expires_s=issued.token.expires.timestamp(),
    )


def application_of(token_id: int) -> Application:
    """Return the application that a token was given to."""
    return Application.objects.get(accesstoken=token_id)
