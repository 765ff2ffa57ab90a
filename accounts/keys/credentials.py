"""Valid credentials, from the process's memory; and who learns when one changes.

A process asks once a second what has changed (`change_log`), and sooner when PostgreSQL says so
(`change_listener`). What it remembers is believed for BELIEVED_S after the last answer; then the request
that needs it has the question asked itself.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import Error, connection, transaction

from accounts.errors import CredentialStoreUnavailable, InvalidCredential
from accounts.keys import change_log, credential_loading
from accounts.keys.change_listener import ChangeListener
from accounts.keys.credential_cache import CachedCredential, CredentialCache
from accounts.keys.credential_reader import CredentialReader
from accounts.keys.running_streams import RunningStream, RunningStreams
from accounts.principal import CredentialKind, Principal
from accounts.users import lock_account
from infra.background import Background

ASKED_EVERY_S = 1.0
BELIEVED_S = 1.5


class Credentials:
    """What one process knows of credentials."""

    def __init__(
        self,
        *,
        entries_max: int,
        clock: Callable[[], float] = time.monotonic,
        unix_clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._unix_clock = unix_clock
        self._cache = CredentialCache(entries_max=entries_max)
        self._streams = RunningStreams(clock=unix_clock)
        self._reader = CredentialReader(self._cache, self._streams)
        self._watch = Background("credentials-watch", self._look, every_s=ASKED_EVERY_S)
        self._listener = ChangeListener(self._watch.wake)
        self._asked_s = float("-inf")

    @property
    def version(self) -> int:
        """The number of the last change that this process knows of."""
        return self._cache.version

    @property
    def is_told(self) -> bool:
        """Whether this process would know of a change by now."""
        return self._clock() - self._asked_s < BELIEVED_S

    def has_changed(self, account_id: int, version: int) -> bool:
        """Say whether the account has changed since `version` was the number of the last change."""
        return self._cache.has_changed(account_id, version)

    def known(self, digest: str) -> CachedCredential | None:
        """Return a credential that works, where the process can tell without a question."""
        found = self._cache.get(digest)
        if found is None or not self.is_told:
            return None
        expires_s = found.principal.expires_s
        return found if expires_s is None or expires_s > self._unix_clock() else None

    def get(self, kind: CredentialKind, digest: str) -> CachedCredential:
        """Return a key or an access token that works.

        Raises InvalidCredential, AccountSuspended, KeyFrozen and CredentialStoreUnavailable.
        """
        if connection.in_atomic_block:
            return _read_here(kind, digest)
        if self._cache.get(digest) is not None:
            self._keep_asking()
            self.catch_up()
        return self.known(digest) or self._reader.load(kind, digest)

    def note_change(self, account_id: int) -> None:
        """Note a change of this process's own, which has been committed."""
        self._cache.note_changes([account_id])
        self._watch.wake()

    @contextmanager
    def running(
        self, principal: Principal, version: int, end: Callable[[Exception], None]
    ) -> Iterator[None]:
        """Have `end` called, from another thread, when the credential ends while this is open.

        `version` is the one of the moment before the principal was asked for.
        """
        stream = RunningStream(principal, end)
        self._keep_asking()
        self._streams.add(stream)
        if self._cache.has_changed(principal.account_id, version):
            self._reader.doubt(stream)
            self._watch.wake()
        try:
            yield
        finally:
            self._streams.remove(stream)

    def catch_up(self) -> None:
        """Learn what has changed until now. Raises CredentialStoreUnavailable."""
        began_s = self._clock()
        self._reader.catch_up()
        self._asked_s = max(self._asked_s, began_s)

    def stop(self) -> None:
        """End the threads and their connections; the next use starts them again."""
        self._watch.stop()
        self._listener.stop()
        self._reader.close()
        self._asked_s = float("-inf")

    def _keep_asking(self) -> None:
        self._watch.ensure_running()
        self._listener.ensure_running()

    def _look(self) -> None:
        self._streams.end_expired()
        self.catch_up()


def credentials_changed(account_id: int) -> None:
    """Make every process read the account's credentials again. Call inside the transaction.

    The account's row stays locked until the transaction ends, which serializes such changes.
    """
    lock_account(account_id)
    account_changed(account_id)


def account_changed(account_id: int) -> None:
    """Make every process read again what it remembers of the account. Call inside the transaction."""
    change_log.record(account_id)
    transaction.on_commit(lambda: credentials.note_change(account_id))


def _read_here(kind: CredentialKind, digest: str) -> CachedCredential:
    """Read the credential as the transaction sees it that this thread is in; it is not remembered."""
    try:
        verdict = credential_loading.by_digest(kind, [digest]).get(digest, InvalidCredential())
    except Error as error:
        raise CredentialStoreUnavailable from error
    if isinstance(verdict, Exception):
        raise verdict
    return CachedCredential(verdict, 0)


credentials = Credentials(entries_max=settings.CREDENTIAL_CACHE_MAX)
