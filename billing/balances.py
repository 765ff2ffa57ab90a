"""What an account has: remembered for a second where tiers are decided, exact where people read it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import cast

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Q, Sum
from django.utils import timezone

from accounts.principal import Principal
from accounts.single_flight import SingleFlight
from billing import statements
from billing.errors import MoneyStoreUnavailable
from billing.models import CreditAccount, LedgerEntry, Spending
from billing.periods import moscow_day, period_start

REMEMBERED_S = 1.0
MOST_REMEMBERED = 20_000

_USAGE = Q(kind__in=["charge", "write_off"])


@dataclass(frozen=True, slots=True)
class Balance:
    """`available_nano` is what is posted less what is held."""

    posted_nano: int
    held_nano: int

    @property
    def available_nano(self) -> int:
        return self.posted_nano - self.held_nano


@dataclass(frozen=True, slots=True)
class Statement:
    """All that ever came in and all that was used; the difference is the posted balance."""

    total_credits_nano: int
    total_usage_nano: int


@dataclass(frozen=True, slots=True)
class KeySpending:
    """What a credential has spent in all its life, and how its budget stands, if it has one."""

    total_nano: int
    limit_nano: int | None = None
    left_nano: int | None = None


class BalanceMemory:
    """Balances that are `REMEMBERED_S` old at most. `clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._known: dict[int, tuple[float, Balance]] = {}

    def get(self, account_id: int) -> Balance | None:
        """Return what is remembered and fresh."""
        known = self._known.get(account_id)
        if known is None or self._clock() - known[0] > REMEMBERED_S:
            return None
        return known[1]

    def put(self, account_id: int, balance: Balance) -> None:
        """Remember a balance as of now."""
        with self._lock:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[account_id] = self._clock(), balance

    def forget(self) -> None:
        """Forget all."""
        with self._lock:
            self._known.clear()


_memory = BalanceMemory()
_flights: SingleFlight[int, Balance] = SingleFlight()


def recent(account_id: int) -> Balance:
    """Return a balance that is a second old at most; of an account not opened yet, zeros.

    Raises MoneyStoreUnavailable.
    """
    balance = _memory.get(account_id)
    if balance is None:
        balance = _flights.do(account_id, lambda: exact(account_id))
        _memory.put(account_id, balance)
    return balance


def posted_nano(account_id: int) -> int:
    """Return the posted balance that tiers follow, a second old at most. Raises MoneyStoreUnavailable."""
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


def key_spending(principal: Principal) -> KeySpending:
    """Sum up what a credential has spent; what is held counts against its budget.

    Raises MoneyStoreUnavailable.
    """
    key_id, budget = principal.credential_id, principal.budget
    days = Spending.objects.filter(credential_kind=principal.credential_kind, credential_id=key_id)
    try:
        total_nano = days.aggregate(total=Sum("spent_nano"))["total"] or 0
        if budget is None:
            return KeySpending(total_nano)
        since = period_start(budget.reset, moscow_day(timezone.now()))
        with connection.cursor() as cursor:
            used_nano = statements.spent_and_held(cursor, {key_id: since})[key_id]
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
    return KeySpending(total_nano, budget.limit_nano, max(0, budget.limit_nano - used_nano))


def note(account_id: int, posted_nano: int, held_nano: int) -> None:
    """Remember what the ledger has just committed."""
    _memory.put(account_id, Balance(posted_nano, held_nano))


def forget_all() -> None:
    """Forget what is remembered, as after another database took the place of this one."""
    _memory.forget()
