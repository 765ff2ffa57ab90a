"""How an e-mail address is stored, and when two spellings of it are one."""

import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.errors import InvalidEmail

EMAIL_MAX_CHARS = 254
# Folding a letter can make up to three of it; longer ones than this are nobody's.
FOLDED_MAX_CHARS = 320


def normalise_email(email: str) -> str:
    """Return the address as people see it: one form of each letter, the domain in lower case."""
    local, at, domain = unicodedata.normalize("NFKC", email).strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def fold_email(email: str) -> str:
    """Return what every spelling of the address has in common."""
    folded = unicodedata.normalize("NFKC", email).strip().casefold()
    return unicodedata.normalize("NFKC", folded)


def sign_in_email(email: str) -> str:
    """Return the form in which the sign-in library keeps an address: the normal one in lower case.

    It can still be written to, as the folded form cannot: that one may name another domain.
    """
    return normalise_email(email).lower()


def checked_email(email: str) -> str:
    """Return the address in its normal form. Raises InvalidEmail."""
    address = normalise_email(email)
    if len(address) > EMAIL_MAX_CHARS or len(fold_email(address)) > FOLDED_MAX_CHARS:
        raise InvalidEmail
    try:
        validate_email(address)
    except ValidationError:
        raise InvalidEmail from None
    return address
