"""People who have logged in: their accounts, and how one calls the API from a page of ours."""

from django.contrib.auth.models import AnonymousUser
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest

from accounts.errors import AccountSuspended, CredentialStoreUnavailable, InvalidCredential
from accounts.models import Account, User
from accounts.principal import Principal
from accounts.users import own_account


def account_of(request: HttpRequest) -> Account:
    """Return the account of the person who asks. Raises InvalidCredential for a stranger."""
    return _account(request.user)


def session_principal(request: HttpRequest) -> Principal:
    """Return the person who asks as a caller of their own account; the credential's id is the user's.

    Raises InvalidCredential for a stranger, AccountSuspended, CredentialStoreUnavailable.
    """
    try:
        account = _account(request.user)
    except (OperationalError, InterfaceError) as error:
        raise CredentialStoreUnavailable from error
    if account.suspended_at is not None:
        raise AccountSuspended
    return Principal(
        account_id=account.pk,
        user_id=account.owner_id,
        credential_kind="session",
        credential_id=account.owner_id,
        scopes=frozenset({"chat"}),
        label=account.owner.email,
    )


def _account(user: User | AnonymousUser) -> Account:
    if not isinstance(user, User):
        raise InvalidCredential
    return own_account(user)
