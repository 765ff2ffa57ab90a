"""The person who is logged in: their user, their account, and their principal for the API."""

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest

from accounts.errors import AccountSuspended, CredentialStoreUnavailable, InvalidCredential
from accounts.models import Account, User
from accounts.principal import Principal
from accounts.users import own_account


def account_of(request: HttpRequest) -> Account:
    """Return the account of the person who is logged in. Raises InvalidCredential for a stranger."""
    return own_account(user_of(request))


def user_of(request: HttpRequest) -> User:
    """Return the person who is logged in. Raises InvalidCredential for a stranger."""
    if not isinstance(request.user, User):
        raise InvalidCredential
    return request.user


def session_principal(request: HttpRequest) -> Principal:
    """Return the person who is logged in as a caller; the credential's id is the user's.

    Raises InvalidCredential for a stranger, AccountSuspended, CredentialStoreUnavailable.
    """
    try:
        account = account_of(request)
    except (OperationalError, InterfaceError) as error:
        raise CredentialStoreUnavailable from error
    if account.suspended_at is not None:
        raise AccountSuspended
    return principal_of(account)


def principal_of(account: Account) -> Principal:
    """Return the owner of an account as a caller."""
    return Principal(
        account_id=account.pk,
        user_id=account.owner_id,
        credential_kind="session",
        credential_id=account.owner_id,
        scopes=frozenset({"chat"}),
        label=account.owner.email,
    )
