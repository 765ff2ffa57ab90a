"""From the Authorization header to who is calling."""

from accounts import api_keys
from accounts.client_address import Address
from accounts.credential_cache import credentials
from accounts.errors import InvalidCredential
from accounts.key_format import digest_of, token_well_formed, well_formed
from accounts.last_use import last_use, token_last_use
from accounts.oauth import tokens
from accounts.principal import Principal

SCHEME = "bearer"


def authenticate(authorization: str | None, address: Address | None = None) -> Principal:
    """Return who bears the key or the access token in the header; `address` is where from.

    Raises InvalidCredential, AccountSuspended and CredentialStoreUnavailable.
    """
    raw = _token(authorization or "")
    if well_formed(raw):
        principal = credentials.get(digest_of(raw), api_keys.load)
        last_use.note(principal.credential_id)
    elif token_well_formed(raw):
        principal = credentials.get(digest_of(raw), tokens.load)
        token_last_use.note(principal.credential_id, address)
    else:
        raise InvalidCredential
    return principal


def _token(authorization: str) -> str:
    """Return what follows `Bearer`, which the OpenAI SDK doubles for `api_key="Bearer TOKEN"`."""
    words = [word for word in authorization.split(" ") if word]
    schemes = 2 if len(words) == 3 else 1
    if len(words) != schemes + 1 or any(word.lower() != SCHEME for word in words[:schemes]):
        raise InvalidCredential
    return words[-1]
