"""The credentials of each provider, from the environment and from the tables, at most a second old."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from gateway.models.openai_servers import KEYLESS, OpenAIServer
from gateway.models.provider_credentials import ENVIRONMENT, ProviderCredential
from gateway.providers.registry import BUILT_IN
from gateway.upstreams.environment import variable
from infra.live_copy import LiveCopy
from infra.secret_box import Sealed


class PoolUnavailable(Exception):
    """The database has not answered since this process began, so its credentials are unknown."""


@dataclass(frozen=True, slots=True)
class Server:
    """The address of an OpenAI-compatible server."""

    base_url: str
    ca_bundle_file: str


@dataclass(frozen=True, slots=True)
class PooledCredential:
    """One credential of a provider. Equal ones share an adapter.

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

    def __hash__(self) -> int:
        """Return the hash of the id alone: each request looks the adapter up."""
        return hash((self.provider, self.id))


@dataclass(frozen=True, slots=True)
class Pool:
    """Environment and tables at one moment: enabled credentials by provider, and slugs of enabled servers.

    `providers` are the slugs of those with credentials. `is_empty`: there is no credential, not even a
    disabled one.
    """

    credentials: Mapping[str, tuple[PooledCredential, ...]]
    providers: frozenset[str]
    servers: frozenset[str]
    is_empty: bool


class LivePool(LiveCopy[Pool]):
    """The pool of a process."""

    name = "The pool of credentials"
    unavailable = PoolUnavailable

    def _look(self) -> None:
        self._value = _read()


_live = LivePool()


def credentials(provider: str) -> tuple[PooledCredential, ...]:
    """Return a provider's credentials that may be used, the environment's first. Raises PoolUnavailable."""
    return _live.current().credentials.get(provider, ())


def with_credentials() -> frozenset[str]:
    """Return the slugs of the providers that have credentials. Raises PoolUnavailable."""
    return _live.current().providers


def enabled() -> list[PooledCredential]:
    """Return every credential that may be used, by provider. Raises PoolUnavailable."""
    found = _live.current().credentials
    return [credential for slug in sorted(found) for credential in found[slug]]


def is_empty() -> bool:
    """Say whether there is no credential at all, not even a disabled one. Raises PoolUnavailable."""
    return _live.current().is_empty


def servers() -> frozenset[str]:
    """Return the slugs of the operator's own servers. Raises PoolUnavailable."""
    return _live.current().servers


def reset() -> None:
    """Make the next reader look at the environment and the database at once."""
    _live.reset()


def from_environment(provider: str) -> PooledCredential | None:
    """Return the credential that the environment gives, or None."""
    built_in = BUILT_IN.get(provider)
    if built_in is None or not built_in.has_secret(variable):
        return None
    slots: int | None = getattr(settings, built_in.concurrency)
    return PooledCredential(provider, ENVIRONMENT, ENVIRONMENT, slots)


def of_environment() -> list[PooledCredential]:
    """Return the credentials that the environment gives, without a look at the database."""
    return [given for slug in sorted(BUILT_IN) if (given := from_environment(slug)) is not None]


def _read() -> Pool:
    servers = {row.slug: row for row in OpenAIServer._default_manager.all()}
    found: dict[str, list[PooledCredential]] = defaultdict(list)
    for given in of_environment():
        found[given.provider].append(given)
    is_given = bool(found)
    has_key = set()
    rows = list(ProviderCredential._default_manager.order_by("created_at"))
    for row in rows:
        server = servers.get(row.provider)
        is_there = row.provider in BUILT_IN if server is None else server.enabled
        has_key.add(row.provider)
        if row.enabled and is_there:
            found[row.provider].append(_stored(row, server))
    for slug, server in servers.items():
        if server.enabled and slug not in has_key:
            found[slug].append(_keyless(server))
    return Pool(
        {slug: tuple(members) for slug, members in found.items()},
        frozenset(found),
        frozenset(slug for slug, server in servers.items() if server.enabled),
        is_empty=not (is_given or rows or servers),
    )


def stored(row: ProviderCredential) -> PooledCredential:
    """Return a row as a credential, whether it is enabled or not, and saved or not."""
    return _stored(row, OpenAIServer._default_manager.filter(slug=row.provider).first())


def _stored(row: ProviderCredential, server: OpenAIServer | None) -> PooledCredential:
    return PooledCredential(
        provider=row.provider,
        id=str(row.pk),
        name=row.name,
        slots=row.concurrency,
        settings=tuple(sorted(row.settings.items())),
        server=None if server is None else _server(server),
        secret_set_at=row.secret_set_at,
        sealed=row.sealed,
    )


def _keyless(row: OpenAIServer) -> PooledCredential:
    return PooledCredential(row.slug, KEYLESS, KEYLESS, row.concurrency, server=_server(row))


def _server(row: OpenAIServer) -> Server:
    return Server(row.base_url, row.ca_bundle_file)
