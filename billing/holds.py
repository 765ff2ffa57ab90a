"""Holds: the requests for them, and how a batch of requests is granted on locked accounts."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from accounts.principal import Principal
from billing import statements
from billing.errors import (
    AmountOutOfRange,
    BillingError,
    InsufficientCredits,
    KeyLimitReached,
    UnknownAccount,
)
from billing.periods import period_start
from billing.purses import Purse, Purses
from billing.statements import HoldRow


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """Ask for `wanted_nano`, or for as much as there is, but not less than `least_nano`.

    Zeros are right where nothing will be charged. `model` is as the caller named it.
    """

    generation_id: uuid.UUID
    principal: Principal
    model: str
    wanted_nano: int
    least_nano: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Money set aside, and the account's balance with it."""

    generation_id: uuid.UUID
    account_id: int
    amount_nano: int
    posted_nano: int
    available_nano: int


class HoldBatch:
    """Requests on locked accounts, granted one after the other; `rows` are the new holds."""

    def __init__(
        self,
        cursor: CursorWrapper,
        purses: Purses,
        requests: Sequence[HoldRequest],
        process_id: uuid.UUID,
    ) -> None:
        self._cursor = cursor
        self._purses = purses
        self._requests = requests
        self._process_id = process_id
        self._known: dict[uuid.UUID, HoldRow] = {}
        self._used: dict[int, int] = {}
        self.rows: list[HoldRow] = []
        self.read_budgets()

    def read_budgets(self) -> None:
        """Read what the keys with a budget spent and hold in its period, this batch's holds included."""
        periods = {
            request.principal.credential_id: period_start(
                request.principal.budget.reset, self._purses.today
            )
            for request in self._requests
            if request.principal.budget is not None
        }
        self._used = statements.spent_and_held(self._cursor, periods)
        for row in self.rows:
            self._use(row.credential_id, row.amount_nano)

    def recognise(self) -> None:
        """Grant this process's own open holds again: an earlier try was committed unseen."""
        ids = [request.generation_id for request in self._requests]
        found = statements.find_holds(self._cursor, ids).values()
        self._known = {row.id: row for row in found if row.process_id == self._process_id}

    def grant(self, request: HoldRequest) -> Hold | BillingError:
        """Set the money of one request aside, or say why not."""
        purse = self._purses.get(request.principal.account_id)
        if purse is None:
            return UnknownAccount(f"There is no account {request.principal.account_id}.")
        if known := self._known.get(request.generation_id):
            return _hold(request, purse, known.amount_nano)
        least_nano, wanted_nano = request.least_nano, request.wanted_nano
        if not 0 <= least_nano <= wanted_nano:
            return AmountOutOfRange(f"No hold is from {least_nano} to {wanted_nano}.")
        if purse.available_nano < least_nano:
            return InsufficientCredits(needed_nano=least_nano, available_nano=purse.available_nano)
        amount_nano = min(wanted_nano, purse.available_nano)
        budget = request.principal.budget
        if budget is not None and wanted_nano:
            left_nano = budget.limit_nano - self._used[request.principal.credential_id]
            if left_nano < max(1, least_nano):
                return KeyLimitReached(needed_nano=least_nano, left_nano=left_nano)
            amount_nano = min(amount_nano, left_nano)
        purse.hold(amount_nano)
        self._use(request.principal.credential_id, amount_nano)
        self.rows.append(self._row(request, amount_nano))
        return _hold(request, purse, amount_nano)

    def _use(self, credential_id: int, amount_nano: int) -> None:
        if credential_id in self._used:
            self._used[credential_id] += amount_nano

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
            day=self._purses.today,
            created_at=timezone.now(),
        )


def _hold(request: HoldRequest, purse: Purse, amount_nano: int) -> Hold:
    return Hold(
        request.generation_id,
        purse.account_id,
        amount_nano,
        purse.posted_nano,
        purse.available_nano,
    )
