"""Holds: money reserved for running requests, granted in batches on locked accounts."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from accounts.principal import KeyBudget, Principal
from billing.errors import (
    AmountOutOfRange,
    BillingError,
    InsufficientCredits,
    KeyLimitReached,
    UnknownAccount,
)
from billing.ledger import sql
from billing.ledger.key_budgets import period_start
from billing.ledger.locked_account import LockedAccount, LockedAccounts
from billing.ledger.sql import HoldRow


class HoldRequest(NamedTuple):
    """Ask for `wanted_nano`, or as much of it as is available, but at least `least_nano`.

    Both are zero where nothing will be charged. `model` is as the caller named it.
    """

    generation_id: uuid.UUID
    principal: Principal
    model: str
    wanted_nano: int
    least_nano: int


class PlacedHold(NamedTuple):
    """Money that is held, and the account's balance after it."""

    generation_id: uuid.UUID
    account_id: int
    amount_nano: int
    posted_nano: int
    available_nano: int


def granted_nano(
    wanted_nano: int, least_nano: int, *, available_nano: int, left_nano: int | None
) -> int | BillingError:
    """Return how much a hold gets, or why it is refused; `left_nano` is what the key's budget leaves."""
    if not 0 <= least_nano <= wanted_nano:
        return AmountOutOfRange(f"No hold is from {least_nano} to {wanted_nano}.")
    if available_nano < least_nano and least_nano:
        return InsufficientCredits(needed_nano=least_nano, available_nano=available_nano)
    amount_nano = max(0, min(wanted_nano, available_nano))
    if left_nano is not None and wanted_nano:
        if left_nano < max(1, least_nano):
            return KeyLimitReached(needed_nano=least_nano, left_nano=left_nano)
        amount_nano = min(amount_nano, left_nano)
    return amount_nano


class HoldBatch:
    """Requests on locked accounts, granted one after the other; `rows` are the new holds."""

    def __init__(
        self,
        cursor: CursorWrapper,
        locked_accounts: LockedAccounts,
        requests: Sequence[HoldRequest],
        process_id: uuid.UUID,
    ) -> None:
        self._cursor = cursor
        self._locked_accounts = locked_accounts
        self._requests = requests
        self._process_id = process_id
        self._known: dict[uuid.UUID, HoldRow] = {}
        self._used: dict[tuple[tuple[int, ...], date], int] = {}
        self.rows: list[HoldRow] = []
        self.read_budgets()

    def read_budgets(self) -> None:
        """Read what the keys with a budget spent and hold in its period, this batch's holds included."""
        counted = {
            self._counted(request.principal, request.principal.budget)
            for request in self._requests
            if request.principal.budget is not None
        }
        self._used = {
            (key_ids, since): sql.spent_and_held(self._cursor, key_ids, since)
            for key_ids, since in counted
        }
        for row in self.rows:
            self._use(row.credential_id, row.amount_nano)

    def recognise(self) -> None:
        """Grant this process's own open holds again: an earlier attempt was committed without our knowing."""
        ids = [request.generation_id for request in self._requests]
        found = sql.find_holds(self._cursor, ids).values()
        self._known = {row.id: row for row in found if row.process_id == self._process_id}

    def grant(self, request: HoldRequest) -> PlacedHold | BillingError:
        """Hold the money of one request, or return why that is refused."""
        locked_account = self._locked_accounts.get(request.principal.account_id)
        if locked_account is None:
            return UnknownAccount(f"There is no account {request.principal.account_id}.")
        if known := self._known.get(request.generation_id):
            return _hold(request, locked_account, known.amount_nano)
        budget = request.principal.budget
        amount_nano = granted_nano(
            request.wanted_nano,
            request.least_nano,
            available_nano=locked_account.available_nano,
            left_nano=None
            if budget is None
            else budget.limit_nano - self._used[self._counted(request.principal, budget)],
        )
        if isinstance(amount_nano, BillingError):
            return amount_nano
        locked_account.hold(amount_nano)
        self._use(request.principal.credential_id, amount_nano)
        self.rows.append(self._row(request, amount_nano))
        return _hold(request, locked_account, amount_nano)

    def _counted(self, principal: Principal, budget: KeyBudget) -> tuple[tuple[int, ...], date]:
        """Return the keys whose spending a budget counts, and since when."""
        key_ids = budget.key_ids or (principal.credential_id,)
        return key_ids, period_start(budget.reset, self._locked_accounts.today)

    def _use(self, credential_id: int, amount_nano: int) -> None:
        for key_ids, since in self._used:
            if credential_id in key_ids:
                self._used[key_ids, since] += amount_nano

    def _row(self, request: HoldRequest, amount_nano: int) -> HoldRow:
        principal = request.principal
        return HoldRow(
            id=request.generation_id,
            account_id=principal.account_id,
            amount_nano=amount_nano,
            process_id=self._process_id,
            user_id=principal.user_id,
            credential_kind=principal.credential_kind,
            credential_id=principal.credential_id,
            is_test=principal.is_test,
            requested_model=request.model,
            day=self._locked_accounts.today,
            created_at=timezone.now(),
        )


def _hold(request: HoldRequest, locked_account: LockedAccount, amount_nano: int) -> PlacedHold:
    return PlacedHold(
        request.generation_id,
        locked_account.account_id,
        amount_nano,
        locked_account.posted_nano,
        locked_account.available_nano,
    )
