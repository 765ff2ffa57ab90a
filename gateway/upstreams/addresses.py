"""The addresses that enabled credentials are used at, and the certificates that are shown there."""

import datetime as dt
import logging
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography import x509
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured

from gateway.providers._shared.causes import cause_of
from gateway.providers._shared.tls import client_context
from gateway.providers.registry import BUILT_IN
from gateway.upstreams import pool
from gateway.upstreams.adapters import built
from gateway.upstreams.environment import variable
from infra.secret_box import SecretUnreadable

CONNECT_TIMEOUT_S = 5.0
_ENDS = "certificates_end_at"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProviderAddress:
    """One address of a provider; `ca_bundle_file` is "" where the usual roots are trusted."""

    provider: str
    url: str
    ca_bundle_file: str

    @property
    def host(self) -> str:
        """The host, and the port where it is not that of https."""
        parts = urlsplit(self.url)
        return parts.hostname + (f":{parts.port}" if parts.port else "") if parts.hostname else ""

    @property
    def is_https(self) -> bool:
        return self.url.startswith("https://")

    def certificate_ends_at(self) -> dt.datetime:
        """Shake hands and return when the certificate ends. Raises OSError, of which SSLError is one."""
        parts = urlsplit(self.url)
        built_in = BUILT_IN.get(self.provider)
        roots = built_in.extra_roots(self.url) if built_in else ()
        context = client_context(self.ca_bundle_file or None, extra_roots=roots)
        where = (parts.hostname or "", parts.port or 443)
        with (
            socket.create_connection(where, CONNECT_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secured,
        ):
            return x509.load_der_x509_certificate(_shown(secured)).not_valid_after_utc


def addresses(credentials: Iterable[pool.PooledCredential]) -> Iterator[ProviderAddress]:
    """Yield each address once."""
    seen = set()
    for credential in credentials:
        for address in _of(credential):
            if address not in seen:
                seen.add(address)
                yield address


def watch_certificates() -> None:
    """Look at the certificate of every https address, and keep when it ends."""
    ends: dict[str, float] = {}
    for address in addresses(pool.enabled()):
        if address.is_https:
            try:
                ends[address.host] = address.certificate_ends_at().timestamp()
            except (OSError, UnicodeError) as error:
                logger.warning("%s", cause_of(error, host=address.host))
    cache.set(_ENDS, ends, timeout=None)


def certificates_left_s() -> dict[str, float]:
    """Return for how long each host's certificate is still valid, as `watch_certificates` saw it last."""
    ends: dict[str, float] = cache.get(_ENDS, {})
    return {host: ends_at - time.time() for host, ends_at in ends.items()}


def _of(credential: pool.PooledCredential) -> Iterator[ProviderAddress]:
    try:
        adapter = built(credential)
    except (ImproperlyConfigured, SecretUnreadable, ValueError, OSError):
        return  # who tries the credential says so
    adapter.close()
    if credential.server is not None:
        bundle = credential.server.ca_bundle_file
    else:
        settings = BUILT_IN[credential.provider].complete(dict(credential.settings), variable)
        bundle = settings.get("ca_bundle_file", "")
    for url in adapter.urls:
        yield ProviderAddress(credential.provider, url, bundle)


def _shown(secured: ssl.SSLSocket) -> bytes:
    return secured.getpeercert(binary_form=True) or b""
