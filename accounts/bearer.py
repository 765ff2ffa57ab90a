"""From the Authorization header to who is calling."""

from accounts import api_keys
from accounts.credential_cache import credentials
from accounts.errors import InvalidCredential
from accounts.key_format import digest_of, well_formed
from accounts.last_use import last_use
from accounts.principal import Principal

SCHEME = "bearer"


def authenticate(authorization: str | None) -> Principal:
    """Return who bears the credential in the header.

    Raises InvalidCredential, AccountSuspended and CredentialStoreUnavailable.
    """
    raw = _token(authorization or "")
    if not well_formed(raw):
        raise InvalidCredential
    principal = credentials.get(digest_of(raw), api_keys.load)
    last_use.note(principal.credential_id)
    return principal


def _token(authorization: str) -> str:
    """Return what follows `Bearer`, which the OpenAI SDK doubles for `api_key="Bearer TOKEN"`."""
    words = [word for word in authorization.split(" ") if word]
    schemes = 2 if len(words) == 3 else 1
    if len(words) != schemes + 1 or any(word.lower() != SCHEME for word in words[:schemes]):
        raise InvalidCredential
    return words[-1]
