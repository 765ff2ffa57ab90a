"""Which providers are served, and the adapter of each credential in this process."""

import contextlib
import logging
import threading
import time

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from gateway.health import monitor
from gateway.providers.base import Adapter, Provider
from gateway.providers.errors import ProviderAuthError, ProviderError, ProviderUnavailable
from gateway.providers.profile import ModelProfile
from gateway.providers.registry import BUILT_IN
from gateway.upstreams import pool
from gateway.upstreams.adapters import built
from gateway.upstreams.pool import PooledCredential, PoolUnavailable
from gateway.upstreams.sandboxed import sandboxed
from infra.secret_box import SecretUnreadable

BROKEN_S = 30.0
"""After a failure to build an adapter, how long until the next attempt."""

logger = logging.getLogger(__name__)

_lock = threading.Lock()
_adapters: dict[PooledCredential, Adapter] = {}
_broken: dict[PooledCredential, float] = {}


def with_credentials() -> frozenset[str]:
    """Return the slugs of the providers that have credentials."""
    return pool.with_credentials()


def served(*, is_test: bool) -> frozenset[str]:
    """Return the slugs that are served.

    A provider without credentials is served by the sandbox alone: see `is_sandboxed`. Where that does
    not answer either, nothing is served.
    """
    if is_sandboxed(is_test=is_test):
        given = with_credentials()
        usual = {slug for slug, item in BUILT_IN.items() if not item.is_extra or slug in given}
        return pool.servers() | usual
    return with_credentials()


def is_sandboxed(*, is_test: bool) -> bool:
    """Say whether the sandbox answers: for test keys, and when no provider has credentials.

    A disabled credential counts as one: paying callers must not get the sandbox because of it. On the
    open internet live keys get it only where the operator says so.
    """
    return is_test or (pool.is_empty() and (settings.SANDBOX or not settings.IS_HTTPS))


def is_free_of_charge(*, is_test: bool) -> bool:
    """Say whether nobody pays for the answers: test keys never do, nor live keys of a public sandbox.

    On one's own machine live keys pay for the sandbox too, so that the money can be watched.
    """
    return is_test or (settings.IS_HTTPS and is_sandboxed(is_test=False))


def provider(slug: str, *, is_test: bool) -> Provider:
    """Return a provider to use without a slot, say to count tokens; for a test key the sandbox's.

    Raises ProviderError where no credential works.
    """
    if is_sandboxed(is_test=is_test):
        return sandboxed(slug)
    return next(iter(usable(slug).values()))


def narrowed(slug: str, profile: ModelProfile, *, is_test: bool) -> ModelProfile:
    """Return what a route's profile promises on every account that may be asked: mostly all of it.

    The emulated accounts lack nothing, nor is anything known where no credential works.
    """
    if not profile.wire or is_sandboxed(is_test=is_test):
        return profile
    with contextlib.suppress(ProviderError):
        for account in usable(slug).values():
            profile = account.narrowed(profile)
    return profile


def make_ready() -> None:
    """Build the adapters of all providers that are served; what fails is logged, here or by who asks it."""
    try:
        for slug in served(is_test=False):
            with contextlib.suppress(ProviderError):
                provider(slug, is_test=False)
    except PoolUnavailable as error:
        logger.warning("No adapter is built ahead of the first request: %s", error)


def usable(slug: str, *, exclude: frozenset[str] = frozenset()) -> dict[PooledCredential, Provider]:
    """Return the credentials that may be used now, with their adapters, less those named in `exclude`.

    Raises ProviderUnavailable where the provider has none, ProviderAuthError where none may be used.
    """
    credentials = pool.credentials(slug)
    if not credentials:
        raise ProviderUnavailable("The provider has no credentials.", provider=slug)
    blocked = monitor.current().blocked_credentials(slug) | exclude
    found = {
        credential: adapter
        for credential in credentials
        if credential.name not in blocked and (adapter := _adapter(credential)) is not None
    }
    if not found:
        raise ProviderAuthError("No credential of the provider works.", provider=slug)
    return found


def reset() -> None:
    """Drop every adapter, and read the tables again at the next call."""
    pool.reset()
    with _lock:
        _broken.clear()
        while _adapters:
            _adapters.popitem()[1].close()


def _adapter(credential: PooledCredential) -> Provider | None:
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
    """Drop the adapters of credentials that no longer exist; their running requests finish."""
    present = {credential for slug in with_credentials() for credential in pool.credentials(slug)}
    for credential in _adapters.keys() - present:
        _adapters.pop(credential).close()
    for credential in _broken.keys() - present:
        del _broken[credential]
