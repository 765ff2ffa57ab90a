"""Normal forms of e-mail addresses: how they are stored and compared."""

import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.errors import InvalidEmail

EMAIL_MAX_CHARS = 254
# Folding a letter can make up to three of it; longer ones than this are nobody's.
FOLDED_MAX_CHARS = 320

_SAME_DOMAIN = {
    "googlemail.com": "gmail.com",
    **dict.fromkeys(("protonmail.com", "protonmail.ch", "pm.me"), "proton.me"),
    **dict.fromkeys(("me.com", "mac.com"), "icloud.com"),
    "ya.ru": "yandex.ru",
    **{
        f"yandex.{zone}": "yandex.ru"
        for zone in (
            *("az", "by", "co.il", "com", "com.am", "com.ge", "com.tr", "com.ua", "ee", "eu", "fr"),
            *("kg", "kz", "lt", "lv", "md", "net", "tj", "tm", "ua", "uz"),
        )
    },
}
_PASSED_OVER = {"gmail.com": ".", "proton.me": ".-_"}
"""Characters that a mail service passes over before the @."""


def normalise_email(email: str) -> str:
    """Return the address as people see it: Unicode NFKC, the domain in lower case."""
    local, at, domain = unicodedata.normalize("NFKC", email).strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def fold_email(email: str) -> str:
    """Return the form that is equal for every spelling of the address."""
    folded = unicodedata.normalize("NFKC", email).strip().casefold()
    return unicodedata.normalize("NFKC", folded)


def sign_in_email(email: str) -> str:
    """Return the form in which allauth stores an address: the normal one in lower case.

    Mail can be sent to it, unlike to the folded form, which may name another domain.
    """
    return normalise_email(email).lower()


def mailbox_of(email: str) -> str:
    """Return the form that is equal for all addresses of one mailbox, as far as its service is known.

    A tag after `+` leads nowhere else with anybody; what more is equal depends on the service.
    """
    local, _, domain = fold_email(email).rpartition("@")
    domain = _SAME_DOMAIN.get(domain, domain)
    name = local.partition("+")[0]
    for character in _PASSED_OVER.get(domain, ""):
        name = name.replace(character, "")
    if domain == "yandex.ru":
        name = name.replace(".", "-")
    return f"{name or local}@{domain}"


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
