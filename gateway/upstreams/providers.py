"""The composition root: who is served, by what, and the adapter of each credential in this process."""

import logging
import threading
import time

from django.core.exceptions import ImproperlyConfigured

from gateway.health import monitor
from gateway.providers.base import Provider
from gateway.providers.errors import ProviderAuthError, ProviderUnavailable
from gateway.secret_box import SecretUnreadable
from gateway.upstreams import pool
from gateway.upstreams.adapters import Adapter, built
from gateway.upstreams.pool import Credential
from gateway.upstreams.sandboxed import BUILT_IN, sandboxed

BROKEN_S = 30.0
"""How long a credential that no adapter could be built of is left alone."""

logger = logging.getLogger(__name__)

_lock = threading.Lock()
_adapters: dict[Credential, Adapter] = {}
_broken: dict[Credential, float] = {}


def with_credentials() -> frozenset[str]:
    """Return the slugs of the providers that have credentials."""
    return pool.with_credentials()


def served(*, is_test: bool) -> frozenset[str]:
    """Return the slugs that are served.

    A provider without credentials is served by the sandbox: for test keys, and when no provider has any.
    """
    if is_sandboxed(is_test=is_test):
        return pool.servers().union(BUILT_IN)
    return with_credentials()


def is_sandboxed(*, is_test: bool) -> bool:
    """Say whether the sandbox answers: for test keys, and when no provider has credentials.

    A credential that is disabled counts: nobody who pays is to be answered by the sandbox for that.
    """
    return is_test or pool.is_empty()


def provider(slug: str, *, is_test: bool) -> Provider:
    """Return a provider to ask aside from slots, say for a count; the sandbox's for a test key.

    Raises ProviderError where no credential works.
    """
    if is_sandboxed(is_test=is_test):
        return sandboxed(slug)
    return next(iter(usable(slug).values()))


def usable(slug: str) -> dict[Credential, Provider]:
    """Return the credentials that may be used now, with their adapters.

    Raises ProviderUnavailable where there is none, ProviderAuthError where none works.
    """
    credentials = pool.credentials(slug)
    if not credentials:
        raise ProviderUnavailable("The provider has no credentials.", provider=slug)
    blocked = monitor.blocked_credentials(slug)
    found = {
        credential: adapter
        for credential in credentials
        if credential.name not in blocked and (adapter := _adapter(credential)) is not None
    }
    if not found:
        raise ProviderAuthError("No credential of the provider works.", provider=slug)
    return found


def forget() -> None:
    """Begin anew: read the tables at the next call, and build every adapter again."""
    pool.forget()
    with _lock:
        _broken.clear()
        while _adapters:
            _adapters.popitem()[1].close()


def _adapter(credential: Credential) -> Provider | None:
    """Return the adapter of a credential; None, and a line in the log, where none can be built."""
    found = _adapters.get(credential)
    if found is not None:
        return found
    with _lock:
        if credential in _adapters:
            return _adapters[credential]
        if time.monotonic() < _broken.get(credential, 0.0):
            return None
        try:
            adapter = built(credential)
        except (ImproperlyConfigured, SecretUnreadable, ValueError, OSError) as error:
            logger.error("%s: %s cannot be used: %s", credential.provider, credential.name, error)
            _broken[credential] = time.monotonic() + BROKEN_S
            return None
        _drop_old()
        _adapters[credential] = adapter
        return adapter


def _drop_old() -> None:
    """Forget the adapters of credentials that are no more; what they are doing they finish."""
    present = {one for slug in with_credentials() for one in pool.credentials(slug)}
    for credential in _adapters.keys() - present:
        _adapters.pop(credential).close()
    for credential in _broken.keys() - present:
        del _broken[credential]
