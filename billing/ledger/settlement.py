"""Settlements: they end holds, and are booked in batches on locked accounts."""

import uuid
from collections import Counter
from datetime import date
from typing import NamedTuple

from billing.errors import AlreadySettled, AmountOutOfRange, BillingError
from billing.ledger.charges import Charge, ChargeRule, charge_of
from billing.ledger.holds import PlacedHold
from billing.ledger.locked_account import LockedAccount, LockedAccounts
from billing.ledger.sql import (
    EntryRow,
    HoldRow,
    Statement,
    add_spending,
    insert_entries,
    insert_generations,
)
from billing.usage.generations import GenerationFacts
from infra.credits import MAX_AMOUNT_NANO

SETTLEMENT_REFUSED = "settlement_refused"

_WRITE_OFF_REASON = "The answer cost more than was available."


class Settlement(NamedTuple):
    """How a hold ends: the rule of its charge, the answer's cost, the facts of the request."""

    hold: PlacedHold
    rule: ChargeRule
    cost_nano: int
    facts: GenerationFacts

    @property
    def generation_id(self) -> uuid.UUID:
        return self.hold.generation_id

    def voided(self) -> "Settlement":
        """Return the settlement that only releases the hold, for one that cannot be booked."""
        return Settlement(self.hold, "void", 0, _refused(self.facts.model_id))


class Settled(NamedTuple):
    """What the account paid, what was written off, and the balance after it."""

    charged_nano: int
    write_off_nano: int
    posted_nano: int
    available_nano: int


class SettlementBatch:
    """Settlements of holds that were just taken off their table, booked one after the other.

    `charges` are what some of the others came to, whose holds were taken by an earlier try.
    """

    def __init__(
        self,
        locked_accounts: LockedAccounts,
        holds: dict[uuid.UUID, HoldRow],
        charges: dict[uuid.UUID, tuple[int, int]],
    ) -> None:
        self._locked_accounts = locked_accounts
        self._holds = holds
        self._charges = charges
        self._entries: list[EntryRow] = []
        self._generations: list[tuple[HoldRow, GenerationFacts, int, int]] = []
        self._spent: Counter[tuple[str, int, date]] = Counter()

    def book(self, settlement: Settlement) -> Settled | BillingError:
        """Book one settlement, or return why that is refused; a hold that was found is always released."""
        row = self._holds.pop(settlement.generation_id, None)
        if row is None:
            charge = self._charges.get(settlement.generation_id)
            if charge is None:
                return AlreadySettled(f"{settlement.generation_id} is settled already.")
            return _settled(self._locked_accounts[settlement.hold.account_id], Charge(*charge))
        locked_account = self._locked_accounts[row.account_id]
        if not 0 <= settlement.cost_nano <= MAX_AMOUNT_NANO:
            self._resolve(locked_account, row, settlement.voided())
            return AmountOutOfRange(f"No answer costs {settlement.cost_nano}.")
        return _settled(locked_account, self._resolve(locked_account, row, settlement))

    def statements(self) -> list[Statement]:
        """Return the statements that write the whole batch."""
        return [
            *self._locked_accounts.changes(),
            *insert_entries(self._entries),
            *insert_generations(self._generations),
            *add_spending(self._spent),
        ]

    def _resolve(
        self, locked_account: LockedAccount, row: HoldRow, settlement: Settlement
    ) -> Charge:
        charge = charge_of(
            settlement.rule,
            settlement.cost_nano,
            hold_nano=row.amount_nano,
            available_nano=locked_account.available_nano,
        )
        locked_account.hold(-row.amount_nano)
        if charge.write_off_nano:  # before the charge, which may be more than there is without it
            amount_nano = charge.write_off_nano
            self._entries.append(
                locked_account.entry("write_off", amount_nano, row.id, _WRITE_OFF_REASON)
            )
        if charge.cost_nano:
            self._entries.append(locked_account.entry("charge", -charge.cost_nano, row.id))
        if charge.charged_nano:
            self._spent[row.credential_kind, row.credential_id, row.day] += charge.charged_nano
        self._generations.append((row, settlement.facts, charge.cost_nano, charge.write_off_nano))
        return charge


def _settled(locked_account: LockedAccount, charge: Charge) -> Settled:
    return Settled(
        charge.charged_nano,
        charge.write_off_nano,
        locked_account.posted_nano,
        locked_account.available_nano,
    )


def _refused(model_id: str) -> GenerationFacts:
    return GenerationFacts(model_id, error_code=SETTLEMENT_REFUSED)
