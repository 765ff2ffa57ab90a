"""Accounts locked by a transaction: their balances, and the changes to be written."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.backends.utils import CursorWrapper

from accounts.keys.credentials import account_changed, credentials
from billing.errors import InsufficientCredits
from billing.ledger import balances, sql
from billing.ledger.chain import digest_of
from billing.ledger.sql import AccountRow, EntryRow, Statement
from infra.moscow_time import moscow_day


@dataclass(slots=True)
class LockedAccount:
    """One locked account, with the changes that its row does not have yet.

    `debt_nano` is how far below zero the available balance may be: what refunds at the shop took
    beyond it. `last_digest` is that of the newest entry.
    """

    account_id: int
    now: datetime
    posted_nano: int
    held_nano: int
    debt_nano: int
    last_digest: bytes
    posted_change_nano: int = 0
    held_change_nano: int = 0
    is_changed: bool = False
    is_tier_changed: bool = False
    """Whether the balance was moved by anything but a charge, or came to nothing."""

    @property
    def available_nano(self) -> int:
        return self.posted_nano - self.held_nano

    def hold(self, amount_nano: int) -> None:
        """Hold money; a negative amount releases it."""
        self.held_nano += amount_nano
        self.held_change_nano += amount_nano
        self.is_changed |= bool(amount_nano)

    def owe(self, amount_nano: int) -> None:
        """Let the available balance be as far below zero as it is after a change of this amount."""
        self.debt_nano = max(0, -(self.available_nano + amount_nano))

    def entry(
        self,
        kind: str,
        amount_nano: int,
        generation_id: uuid.UUID | None = None,
        reason: str = "",
        *,
        payment_id: str = "",
        actor_id: int | None = None,
    ) -> EntryRow:
        """Change the posted balance and return the ledger entry of it. Raises InsufficientCredits."""
        available_nano = self.available_nano
        if amount_nano < 0 and available_nano + amount_nano < -self.debt_nano:
            raise InsufficientCredits(needed_nano=-amount_nano, available_nano=available_nano)
        self.posted_nano += amount_nano
        self.posted_change_nano += amount_nano
        self.is_changed = True
        self.is_tier_changed |= kind != "charge" or self.posted_nano <= 0
        self.last_digest = digest_of(
            self.last_digest,
            account_id=self.account_id,
            kind=kind,
            amount_nano=amount_nano,
            balance_nano=self.posted_nano,
            created_at=self.now,
            generation_id=generation_id,
            payment_id=payment_id,
            reason=reason,
            actor_id=actor_id,
        )
        return EntryRow(
            *(self.account_id, kind, amount_nano, self.posted_nano),
            *(generation_id, reason, self.now, self.last_digest),
        )

    def change(self) -> AccountRow:
        """Return what the account's row is to be changed by."""
        return AccountRow(
            *(self.posted_change_nano, self.held_change_nano, self.debt_nano, self.last_digest)
        )


class LockedAccounts:
    """The accounts that a transaction has locked, in the order of their ids; `today` is Moscow's."""

    def __init__(
        self, locked_accounts: dict[int, LockedAccount], today: date, version: int
    ) -> None:
        self._locked_accounts = locked_accounts
        self._version = version
        self.today = today

    @classmethod
    def lock(cls, cursor: CursorWrapper, account_ids: Iterable[int]) -> "LockedAccounts":
        """Lock accounts, and open those that are new; unknown ids are left out."""
        wanted, version = set(account_ids), credentials.version
        rows, now = sql.lock_accounts(cursor, wanted)
        if missing := wanted - rows.keys():
            sql.open_accounts(cursor, missing)
            rows, now = sql.lock_accounts(cursor, wanted)
        locked_accounts = {
            account_id: LockedAccount(
                *(account_id, now, row.posted_nano, row.held_nano, row.debt_nano, row.last_digest)
            )
            for account_id, row in rows.items()
        }
        return cls(locked_accounts, moscow_day(now) if rows else date.min, version)

    def __iter__(self) -> Iterator[LockedAccount]:
        return iter(self._locked_accounts.values())

    def __getitem__(self, account_id: int) -> LockedAccount:
        return self._locked_accounts[account_id]

    def get(self, account_id: int) -> LockedAccount | None:
        """Return a locked account, None if there is no such account."""
        return self._locked_accounts.get(account_id)

    def changes(self) -> list[Statement]:
        """Return the statements that write the changes; the memory of balances follows on commit.

        Other processes are told where the tier may be another now.
        """
        changed = {
            locked_account.account_id: locked_account.change()
            for locked_account in self
            if locked_account.is_changed
        }
        for locked_account in self:
            if locked_account.is_tier_changed:
                account_changed(locked_account.account_id)
        transaction.on_commit(self._tell)
        return sql.change_accounts(changed)

    def _tell(self) -> None:
        balances.note(
            {
                account.account_id: balances.Balance(account.posted_nano, account.held_nano)
                for account in self
            },
            self._version,
        )
