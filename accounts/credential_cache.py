"""What this process remembers of good credentials, and how soon it forgets them.

An entry is believed for a second. After that its account's epoch is asked, and a moved one has the
row read again; after ten seconds the row is read in any case. Only good credentials are kept.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F

from accounts import epochs
from accounts.errors import CredentialStoreUnavailable
from accounts.models import Account
from accounts.principal import Principal
from accounts.single_flight import SingleFlight

BELIEVED_S = 1.0
ENTRY_LIFE_S = 10.0
ENTRIES_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Credential:
    """A good credential as the database has it; `epoch` is its account's, of the same moment."""

    principal: Principal
    epoch: int


@dataclass(slots=True)
class _Entry:
    credential: Credential
    read_at: float
    checked_at: float


class CredentialCache:
    """Principals by the digest of their credential, least recently used out first."""

    def __init__(
        self,
        *,
        current_epoch: Callable[[int], int],
        entries_max: int = ENTRIES_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._current_epoch = current_epoch
        self._entries_max = entries_max
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._forgotten = 0
        self._epoch_flights: SingleFlight[int, int] = SingleFlight()
        self._load_flights: SingleFlight[str, Credential] = SingleFlight()
        self._lock = threading.Lock()

    def get(self, digest: str, load: Callable[[str], Credential]) -> Principal:
        """Return who bears the credential, by `load` where memory is not fresh enough.

        Raises what `load` raises, and CredentialStoreUnavailable when the database is away.
        """
        now = self._clock()
        with self._lock:
            entry = self._entries.get(digest)
            if entry is not None:
                self._entries.move_to_end(digest)
            forgotten = self._forgotten
        if entry is not None and now - entry.read_at >= ENTRY_LIFE_S:
            entry = None
        if entry is not None and now - entry.checked_at < BELIEVED_S:
            return entry.credential.principal
        try:
            if entry is not None:
                account_id = entry.credential.principal.account_id
                epoch = self._epoch_flights.do(account_id, lambda: self._current_epoch(account_id))
                if epoch == entry.credential.epoch:
                    entry.checked_at = now
                    return entry.credential.principal
            credential = self._load_flights.do(digest, lambda: load(digest))
        except (OperationalError, InterfaceError) as error:
            raise CredentialStoreUnavailable from error
        except Exception:
            with self._lock:
                self._entries.pop(digest, None)
            raise
        with self._lock:
            # What was read before a change must not be remembered after it.
            if forgotten == self._forgotten:
                self._entries[digest] = _Entry(credential, read_at=now, checked_at=now)
                self._entries.move_to_end(digest)
                while len(self._entries) > self._entries_max:
                    self._entries.popitem(last=False)
        return credential.principal

    def forget(self, account_id: int) -> None:
        """Drop every entry of an account."""
        with self._lock:
            self._forgotten += 1
            self._entries = OrderedDict(
                (digest, entry)
                for digest, entry in self._entries.items()
                if entry.credential.principal.account_id != account_id
            )

    def __len__(self) -> int:
        return len(self._entries)


credentials = CredentialCache(current_epoch=epochs.current)


def expire_credentials(account_id: int) -> None:
    """Have every process read the account's credentials again. Call inside the transaction.

    The account's row stays locked until the transaction ends, which puts such changes in order.
    """
    accounts = Account.objects.filter(pk=account_id)
    accounts.update(credentials_epoch=F("credentials_epoch") + 1)
    epoch = epochs.stored(account_id)

    def make_known() -> None:
        credentials.forget(account_id)
        epochs.publish(account_id, epoch)

    # At once too, for whoever looks from within the transaction.
    credentials.forget(account_id)
    transaction.on_commit(make_known)
