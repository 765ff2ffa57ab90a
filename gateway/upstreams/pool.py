"""The credentials of each provider: the environment's and the operator's, a second behind the tables."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from gateway.openai_servers import KEYLESS, OpenAIServer
from gateway.provider_credentials import ENVIRONMENT, ProviderCredential
from gateway.secret_box import Sealed

CHECK_INTERVAL_S = 1.0

logger = logging.getLogger(__name__)


class PoolUnavailable(Exception):
    """The database has not answered since this process began: nobody knows who has credentials."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where an OpenAI-compatible provider is."""

    base_url: str
    ca_bundle_file: str


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential of a provider. Those that are equal are served by the same adapter.

    `slots` None: no cap of ours. `sealed` None: the environment has the secret, or there is none.
    """

    provider: str
    id: str
    name: str
    slots: int | None = field(default=None, compare=False)
    settings: tuple[tuple[str, str], ...] = ()
    server: Server | None = None
    secret_set_at: datetime | None = None
    sealed: Sealed | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Pool:
    """What the tables said at one moment: the operator's credentials by provider, and their servers.

    `is_empty`: there is no row, not even a disabled one.
    """

    credentials: Mapping[str, tuple[Credential, ...]]
    servers: frozenset[str]
    is_empty: bool


class LivePool:
    """One snapshot for all threads of a process. One looks while the others go on with the old one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._due_s = float("-inf")
        self._pool: Pool | None = None

    def current(self) -> Pool:
        """Return the pool as it stood a second ago at the most; it outlives the database.

        Raises PoolUnavailable.
        """
        if self._is_due() and self._lock.acquire(blocking=self._pool is None):
            try:
                if self._is_due():
                    self._look()
            finally:
                self._lock.release()
        if self._pool is None:
            raise PoolUnavailable("The credentials of providers could not be read.")
        return self._pool

    def forget(self) -> None:
        """Make the next reader look at the database at once."""
        self._due_s = float("-inf")

    def _is_due(self) -> bool:
        return self._clock() >= self._due_s

    def _look(self) -> None:
        was_connected = connection.connection is not None
        try:
            self._pool = _read()
        except DatabaseError:
            logger.warning("The credentials of providers could not be read.", exc_info=True)
        finally:
            self._due_s = self._clock() + CHECK_INTERVAL_S
            if not was_connected:  # a provider may be about to talk, for long
                connection.close()


_live = LivePool()


def credentials(provider: str) -> tuple[Credential, ...]:
    """Return a provider's credentials that may be used, the environment's first. Raises PoolUnavailable."""
    stored = _live.current().credentials.get(provider, ())
    given = from_environment(provider)
    return stored if given is None else (given, *stored)


def with_credentials() -> frozenset[str]:
    """Return the slugs of the providers that have credentials. Raises PoolUnavailable."""
    return _given().union(_live.current().credentials)


def is_empty() -> bool:
    """Say whether nobody has given any credential, nor one that is disabled. Raises PoolUnavailable."""
    return _live.current().is_empty and not _given()


def servers() -> frozenset[str]:
    """Return the slugs of the operator's own providers. Raises PoolUnavailable."""
    return _live.current().servers


def forget() -> None:
    """Make the next reader look at the database at once."""
    _live.forget()


def _given() -> frozenset[str]:
    return frozenset(slug for slug in _IN_ENVIRONMENT if from_environment(slug) is not None)


def from_environment(provider: str) -> Credential | None:
    """Return the credential that the environment gives."""
    if provider not in _IN_ENVIRONMENT:
        return None
    has_secret, slots = _IN_ENVIRONMENT[provider]()
    return Credential(provider, ENVIRONMENT, ENVIRONMENT, slots) if has_secret else None


_IN_ENVIRONMENT: Mapping[str, Callable[[], tuple[bool, int | None]]] = {
    "gigachat": lambda: (bool(settings.GIGACHAT_CREDENTIALS), settings.GIGACHAT_CONCURRENCY),
    "yandexgpt": lambda: (
        bool(settings.YANDEX_API_KEY or settings.YANDEX_SERVICE_ACCOUNT_KEY_FILE),
        settings.YANDEX_CONCURRENCY,
    ),
}


def _read() -> Pool:
    servers = {row.slug: row for row in OpenAIServer._default_manager.all()}
    found: dict[str, list[Credential]] = defaultdict(list)
    has_key = set()
    rows = list(ProviderCredential._default_manager.order_by("created_at"))
    for row in rows:
        server = servers.get(row.provider)
        is_there = row.provider in _IN_ENVIRONMENT if server is None else server.enabled
        has_key.add(row.provider)
        if row.enabled and is_there:
            found[row.provider].append(_stored(row, server))
    for slug, server in servers.items():
        if server.enabled and slug not in has_key:
            found[slug].append(_keyless(server))
    return Pool(
        {slug: tuple(members) for slug, members in found.items()},
        frozenset(slug for slug, server in servers.items() if server.enabled),
        is_empty=not rows and not servers,
    )


def _stored(row: ProviderCredential, server: OpenAIServer | None) -> Credential:
    return Credential(
        provider=row.provider,
        id=str(row.pk),
        name=row.name,
        slots=row.concurrency,
        settings=tuple(sorted(row.settings.items())),
        server=None if server is None else _server(server),
        secret_set_at=row.secret_set_at,
        sealed=row.sealed,
    )


def _keyless(row: OpenAIServer) -> Credential:
    return Credential(row.slug, KEYLESS, KEYLESS, row.concurrency, server=_server(row))


def _server(row: OpenAIServer) -> Server:
    return Server(row.base_url, row.ca_bundle_file)
