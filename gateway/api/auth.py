"""Who is calling, and whether the credential may be used here: its address list and its scope."""

from django.http import HttpRequest

from accounts.client_address import address_of, check_address
from accounts.errors import InvalidCredential
from accounts.keys.bearer import authenticate
from accounts.principal import Principal
from accounts.scopes import require_scope
from accounts.security import watch


def identify(request: HttpRequest, credential: str | None, scope: str | None) -> Principal | None:
    """Return who is calling; None where no scope is needed and no credential was given.

    A credential that is given must be valid even where none is needed. Raises InvalidCredential,
    AccountSuspended, IPNotAllowed, InsufficientScope and CredentialStoreUnavailable.
    """
    if credential is None and scope is None:
        return None
    address = address_of(request)
    try:
        principal = authenticate(credential, address)
    except InvalidCredential:
        if credential:
            watch.refuse(address)
        raise
    check_address(principal, address)
    watch.used(principal, address)
    if scope is not None:
        require_scope(principal, scope)
    return principal
