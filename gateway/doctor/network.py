"""Names and certificates of the providers' hosts."""

import datetime as dt
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.doctor.check import Check, failure, ok, warning
from gateway.doctor.providers import known
from gateway.providers._shared.causes import cause_of
from gateway.upstreams.addresses import ProviderAddress, addresses

WARNED_DAYS = 14


def names() -> Iterator[Check]:
    """Resolve the host of every address."""
    for host in sorted({urlsplit(address.url).hostname or "" for address in addresses(known())}):
        try:
            socket.getaddrinfo(host, None)
        except (OSError, UnicodeError):
            yield failure(
                f"dns {host}",
                "The name is not known.",
                "Check the address, and this machine's DNS.",
            )
        else:
            yield ok(f"dns {host}", "The name is known.")


def certificates() -> Iterator[Check]:
    """Shake hands with every https address, trusting what its provider's adapter trusts."""
    for address in addresses(known()):
        if address.is_https:
            yield _certificate(address)


def _certificate(address: ProviderAddress) -> Check:
    name = f"certificate {address.host}"
    try:
        ends_at = address.certificate_ends_at()
    except (OSError, UnicodeError) as error:
        cause = cause_of(error, host=address.host).removeprefix(f"{address.host}: ")
        message, _, remedy = cause.rpartition(": ")
        return failure(name, f"It cannot be had: {message or cause}.", remedy or "See the address.")
    days = (ends_at - dt.datetime.now(dt.UTC)).days
    if days < WARNED_DAYS:
        return warning(
            name, f"It is trusted, and ends in {days} days.", "See that it is renewed in time."
        )
    return ok(name, f"It is trusted, for {days} days more.")
