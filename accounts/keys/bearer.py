"""Authenticates a caller by the Authorization header: an API key or an access token."""

from accounts.client_address import Address
from accounts.errors import InvalidCredential
from accounts.keys.credentials import credentials
from accounts.keys.key_format import digest_of, token_well_formed, well_formed
from accounts.keys.last_use import last_use
from accounts.principal import CredentialKind, Principal

SCHEME = "bearer"


def authenticate(authorization: str | None, address: Address | None = None) -> Principal:
    """Return the caller of the key or access token in the header; `address` is the client's.

    Raises InvalidCredential, AccountSuspended, KeyFrozen and CredentialStoreUnavailable.
    """
    raw = _token(authorization or "")
    if not raw.isascii():
        raise InvalidCredential
    digest = digest_of(raw)
    found = credentials.known(digest) or credentials.get(_kind_of(raw), digest)
    last_use.note(found, address)
    return found.principal


def _kind_of(raw: str) -> CredentialKind:
    if well_formed(raw):
        return "key"
    if token_well_formed(raw):
        return "oauth"
    raise InvalidCredential


def _token(authorization: str) -> str:
    """Return what follows `Bearer`, which the OpenAI SDK doubles for `api_key="Bearer TOKEN"`."""
    words = [word for word in authorization.split(" ") if word]
    schemes = 2 if len(words) == 3 else 1
    if len(words) != schemes + 1 or any(word.lower() != SCHEME for word in words[:schemes]):
        raise InvalidCredential
    return words[-1]
