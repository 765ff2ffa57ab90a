"""Access tokens: made, and read back as who bears them. Only their SHA-256 is kept."""

from typing import Any

from oauth2_provider.models import Application

from accounts.credential_cache import Credential
from accounts.errors import AccountSuspended, InvalidCredential
from accounts.key_format import TOKEN_PREFIX, make_secret
from accounts.models import IssuedToken
from accounts.principal import Principal


def new_token(request: Any, refresh_token: bool = False) -> str:
    """Return a new raw access token, as the toolkit's ACCESS_TOKEN_GENERATOR."""
    return make_secret(TOKEN_PREFIX)


def load(digest: str) -> Credential:
    """Read the live token with this digest, and its account's epoch, in one statement.

    Raises InvalidCredential and AccountSuspended.
    """
    issued = (
        IssuedToken.objects.select_related("account__owner", "token__user", "token__application")
        .filter(token__token_checksum=digest)
        .first()
    )
    if issued is None or issued.token.is_expired():
        raise InvalidCredential
    people = (issued.token.user, issued.account.owner)
    if issued.account.suspended_at is not None or not all(person.is_active for person in people):
        raise AccountSuspended
    return Credential(principal_of(issued), issued.account.credentials_epoch)


def principal_of(issued: IssuedToken) -> Principal:
    """Say who bears the token: its user, by way of the user's own account, with its limits."""
    return Principal(
        account_id=issued.account_id,
        user_id=issued.token.user_id,
        credential_kind="oauth",
        credential_id=issued.token_id,
        scopes=frozenset(issued.token.scope.split()),
        label=issued.token.application.name,
    )


def application_of(token_id: int) -> Application:
    """Return the application that a token was given to."""
    return Application.objects.get(accesstoken=token_id)
