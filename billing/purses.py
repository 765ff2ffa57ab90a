"""Credit accounts while a transaction has them locked: what they have, and how it changes."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.backends.utils import CursorWrapper

from billing import balances, statements
from billing.errors import InsufficientCredits
from billing.statements import EntryRow, Statement


@dataclass(slots=True)
class Purse:
    """One locked account; the changes are what its row does not know yet."""

    account_id: int
    posted_nano: int
    held_nano: int
    posted_change_nano: int = 0
    held_change_nano: int = 0

    @property
    def available_nano(self) -> int:
        return self.posted_nano - self.held_nano

    def hold(self, amount_nano: int) -> None:
        """Set money aside; a negative amount gives it back."""
        self.held_nano += amount_nano
        self.held_change_nano += amount_nano

    def post(self, amount_nano: int) -> None:
        """Move the posted balance. Raises InsufficientCredits."""
        if self.available_nano + amount_nano < 0:
            raise InsufficientCredits(needed_nano=-amount_nano, available_nano=self.available_nano)
        self.posted_nano += amount_nano
        self.posted_change_nano += amount_nano

    def entry(
        self, kind: str, amount_nano: int, generation_id: uuid.UUID, reason: str = ""
    ) -> EntryRow:
        """Move the posted balance and return the ledger entry that says so. Raises InsufficientCredits."""
        self.post(amount_nano)
        return EntryRow(self.account_id, kind, amount_nano, self.posted_nano, generation_id, reason)


class Purses:
    """The accounts that a transaction has locked, in the order of their ids; `today` is Moscow's."""

    def __init__(self, purses: dict[int, Purse], today: date) -> None:
        self._purses = purses
        self.today = today

    @classmethod
    def lock(cls, cursor: CursorWrapper, account_ids: Iterable[int]) -> "Purses":
        """Lock accounts, opening those that are not open yet; there are no purses of unknown ones."""
        wanted = set(account_ids)
        rows, today = statements.lock_accounts(cursor, wanted)
        if missing := wanted - rows.keys():
            statements.open_accounts(cursor, missing)
            rows, today = statements.lock_accounts(cursor, wanted)
        purses = {account_id: Purse(account_id, *row) for account_id, row in rows.items()}
        return cls(purses, today)

    def __iter__(self) -> Iterator[Purse]:
        return iter(self._purses.values())

    def __getitem__(self, account_id: int) -> Purse:
        return self._purses[account_id]

    def get(self, account_id: int) -> Purse | None:
        """Return the purse of an account, None if there is no such account."""
        return self._purses.get(account_id)

    def changes(self) -> list[Statement]:
        """Return the statements that write what changed, and tell the process once they are committed."""
        changed = {
            purse.account_id: (purse.posted_change_nano, purse.held_change_nano)
            for purse in self
            if purse.posted_change_nano or purse.held_change_nano
        }
        transaction.on_commit(self._tell)
        return statements.change_accounts(changed)

    def _tell(self) -> None:
        for purse in self:
            balances.note(purse.account_id, purse.posted_nano, purse.held_nano)
