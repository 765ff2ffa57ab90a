"""Balances of accounts: remembered to choose tiers, exact for people to read.

A process learns at once of its own charges, and from the log of changes of what else moves a balance, or
takes a tier. What it misses is what its peers have charged since it last served the account itself. Money is
never spent by this memory: each hold asks the database, and what that says is remembered.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Q, Sum

from accounts.keys.credentials import credentials
from billing.errors import BillingError, MoneyStoreUnavailable
from billing.ledger.retrying_connection import RetryingConnection, break_off_stuck
from billing.models import CreditAccount, LedgerEntry
from infra import prepared
from infra.group_commit import GroupCommit, QueueStalled, StillRunning
from infra.short_lock import ShortLock
from infra.single_flight import SingleFlight

KEPT_S = 600.0
"""How long a balance is believed of which no change is told."""
UNTOLD_S = 1.0
"""How long a balance is believed by a process that is not told of changes at present."""
PATIENCE_S, STALLED_S = 0.9, 0.6
LINGER_S = 300.0
"""How long the thread that reads keeps its connection when it has nothing to do."""

_USAGE = Q(kind__in=["charge", "write_off"])


@dataclass(frozen=True, slots=True)
class Balance:
    """The posted balance and the part of it that open holds take."""

    posted_nano: int
    held_nano: int

    @property
    def available_nano(self) -> int:
        return self.posted_nano - self.held_nano


@dataclass(frozen=True, slots=True)
class Statement:
    """All credits and all usage of an account; the difference is the posted balance."""

    total_credits_nano: int
    total_usage_nano: int


class Changes(Protocol):
    """Who knows what has happened to accounts: the process's `credentials`."""

    @property
    def is_told(self) -> bool:
        """Whether the process would know of a change by now."""

    def has_changed(self, account_id: int, version: int) -> bool:
        """Say whether the account has changed since `version` was the last number."""


class BalanceMemory:
    """A least-recently-used cache of balances. `clock` returns monotonic seconds."""

    def __init__(
        self,
        *,
        entries_max: int,
        changes: Changes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entries_max = entries_max
        self._changes = changes
        self._clock = clock
        self._lock = ShortLock()
        self._known: OrderedDict[int, tuple[float, int, Balance]] = OrderedDict()

    def get(self, account_id: int) -> Balance | None:
        """Return the balance unless it is missing, changed or too old."""
        known = self._known.get(account_id)
        if known is None:
            return None
        read_s, version, balance = known
        if self._changes.has_changed(account_id, version):
            return None
        kept_s = KEPT_S if self._changes.is_told else UNTOLD_S
        return balance if self._clock() - read_s <= kept_s else None

    def put(self, balances: Mapping[int, Balance], version: int) -> None:
        """Remember balances, by account, that were read after the change with this number."""
        now_s = self._clock()
        with self._lock:
            for account_id, balance in balances.items():
                self._known[account_id] = now_s, version, balance
                self._known.move_to_end(account_id)
            while len(self._known) > self._entries_max:
                self._known.popitem(last=False)

    def reset(self) -> None:
        """Empty the cache."""
        with self._lock:
            self._known.clear()


_READ = """
    SELECT account.* FROM unnest($1::bigint[]) AS asked (account_id), LATERAL (
        SELECT account_id, posted_nano, held_nano FROM billing_creditaccount
        WHERE account_id = asked.account_id OFFSET 0
    ) AS account
"""


def _read(account_ids: Sequence[int]) -> Sequence[Balance | BillingError]:
    """Read the balances that are asked for at one time in one statement."""

    def work(is_repeat: bool) -> dict[int, Balance]:
        rows = prepared.rows(_READ, prepared.array(set(account_ids)))
        return {account_id: Balance(*amounts) for account_id, *amounts in rows}

    try:
        found = _connection.run(work, patience_s=PATIENCE_S)
    except MoneyStoreUnavailable as error:
        return [error] * len(account_ids)
    return [found.get(account_id, Balance(0, 0)) for account_id in account_ids]


_memory = BalanceMemory(entries_max=settings.CREDENTIAL_CACHE_MAX, changes=credentials)
_flights: SingleFlight[int, Balance] = SingleFlight()
_connection = RetryingConnection(is_own=True)
_reads: GroupCommit[int, Balance] = GroupCommit(
    _read,
    name="balances",
    rest=_connection.rest,
    hurry=break_off_stuck,
    linger_s=LINGER_S,
    stalled_s=STALLED_S,
)


def recent(account_id: int) -> Balance:
    """Return a balance as this process knows it; zeros if the account has none yet.

    Raises MoneyStoreUnavailable.
    """
    balance = _memory.get(account_id)
    if balance is None:
        version = credentials.version
        if connection.vendor != "postgresql" or connection.in_atomic_block:
            balance = _flights.do(account_id, lambda: exact(account_id))
        else:
            balance = _read_with_others(account_id)
        _memory.put({account_id: balance}, version)
    return balance


def _read_with_others(account_id: int) -> Balance:
    try:
        return _reads.submit(account_id, timeout_s=PATIENCE_S)
    except StillRunning:
        raise MoneyStoreUnavailable("The money store is too slow.") from None
    except QueueStalled:
        raise _connection.stalled(STALLED_S) from None


def posted_nano(account_id: int) -> int:
    """Return the posted balance as this process knows it. Raises MoneyStoreUnavailable."""
    return recent(account_id).posted_nano


def exact(account_id: int) -> Balance:
    """Read a balance from the database. Raises MoneyStoreUnavailable."""
    rows = CreditAccount.objects.filter(account=account_id).values_list("posted_nano", "held_nano")
    try:
        row = rows.first()
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
    return Balance(*row) if row else Balance(0, 0)


def statement(account_id: int) -> Statement:
    """Sum up an account's entries. Raises MoneyStoreUnavailable."""
    entries = LedgerEntry.objects.filter(account=account_id)
    try:
        sums = entries.aggregate(
            came_in=Sum("amount_nano", filter=~_USAGE), used=Sum("amount_nano", filter=_USAGE)
        )
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
    came_in, used = (cast(int | None, sums[name]) for name in ("came_in", "used"))
    return Statement(int(came_in or 0), -int(used or 0))


def note(balances: Mapping[int, Balance], version: int) -> None:
    """Remember what the ledger has just committed, by account; it began after the change `version`."""
    _memory.put(balances, version)


def flush(timeout_s: float) -> bool:
    """End the thread that reads, and close its connection; the next reader starts it again."""
    return _reads.flush(timeout_s)


def forget_all() -> None:
    """Empty the cache, as after the database was replaced."""
    _memory.reset()
