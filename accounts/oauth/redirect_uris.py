"""Redirect URIs: https, or http on loopback; compared exactly."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.utils.translation import gettext as _

MAX_CHARS = 2000
# What the answer itself adds.
OUR_PARAMETERS = frozenset({"code", "state", "iss", "error", "error_description"})

_HTTPS = re.compile(r"https://([0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?([/?].*)?")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\]|localhost)(?::([0-9]{1,5}))?([/?].*)?")
_PLAIN = re.compile(r"[!-\[\]-~]+")  # printable ASCII without the backslash, which browsers mistake


class InvalidRedirectURI(ValueError):
    """The address cannot be a redirect URI."""


def check(uri: str) -> None:
    """Raise InvalidRedirectURI unless the address may be a redirect URI."""
    shape = _HTTPS.fullmatch(uri) or _LOOPBACK.fullmatch(uri)
    if len(uri) > MAX_CHARS or not _PLAIN.fullmatch(uri) or shape is None:
        raise InvalidRedirectURI(
            _(
                "Write a full address that begins with https://, or with http:// on localhost,"
                " 127.0.0.1 or [::1]."
            )
        )
    if "#" in uri or "*" in uri:
        raise InvalidRedirectURI(_("The address must have no # and no *."))
    if shape[2] and int(shape[2]) > 65_535:
        raise InvalidRedirectURI(_("There is no such port."))
    names = {name for name, _value in parse_qsl(urlsplit(uri).query, keep_blank_values=True)}
    if names & OUR_PARAMETERS:
        raise InvalidRedirectURI(
            _("The address must not have the parameters that the answer adds: code, state, error.")
        )


def matches(registered: str, asked: str) -> bool:
    """Say whether the requested address is the registered one; on loopback any port matches.

    Source: RFC 9700, section 2.1; RFC 8252, section 7.3.
    """
    try:
        check(asked)
    except InvalidRedirectURI:
        return False
    if registered == asked:
        return True
    ours, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(asked)
    return bool(ours and theirs and ours.group(1, 3) == theirs.group(1, 3))


def with_parameters(uri: str, parameters: dict[str, str]) -> str:
    """Return the address with more parameters in its query."""
    separator = "&" if "?" in uri else "?"
    return f"{uri}{separator}{urlencode(parameters)}"


def host_of(uri: str) -> str:
    """Return the host, with its port where it names one, as people are shown it."""
    return urlsplit(uri).netloc


def is_loopback(uri: str) -> bool:
    """Say whether the address is on the person's own machine."""
    return _LOOPBACK.fullmatch(uri) is not None


def form_action(uri: str) -> str:
    """Return the source of a content security policy that lets a form lead to this address."""
    parts = urlsplit(uri)
    # Such policies know no IPv6 addresses.
    return f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}"
