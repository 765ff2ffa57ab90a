"""The ledger: the only module that moves money. Holds and settlements come in batches.

Whoever moves an account's money first locks the account's row, several in the order of their ids; that
lock guards everything else of the account.
"""

import contextlib
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from django.db import DataError, IntegrityError, connection, transaction

from billing.errors import (
    AmountOutOfRange,
    BillingError,
    InsufficientCredits,
    KeyLimitReached,
    MovementRefused,
    RecordRefused,
    UnknownAccount,
)
from billing.ledger import dialect, plain_batch, sql
from billing.ledger.holds import HoldBatch, HoldRequest, PlacedHold
from billing.ledger.locked_account import LockedAccount, LockedAccounts
from billing.ledger.settlement import Settled, Settlement, SettlementBatch
from billing.ledger.sweep import PROCESS_LOST, release_lost
from billing.models import Generation, LedgerEntry
from infra.credits import MAX_AMOUNT_NANO
from infra.own_connection import limit_waits

__all__ = [
    "HoldRequest",
    "Movement",
    "PlacedHold",
    "Settled",
    "Settlement",
    "adjust",
    "hold",
    "refund",
    "settle",
    "take_back",
    "top_up",
    "write_off",
]

MAX_BALANCE_NANO = 8 * MAX_AMOUNT_NANO

_REFUSED = DataError, IntegrityError, OverflowError, TypeError
"""What a value that cannot be stored raises."""

_Item = TypeVar("_Item", HoldRequest, Settlement)
_Result = TypeVar("_Result")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Movement:
    """A ledger entry, and whether this call wrote it."""

    entry_id: int
    amount_nano: int
    balance_nano: int
    is_new: bool


def hold(
    requests: Sequence[HoldRequest], *, process_id: uuid.UUID, is_repeat: bool = False
) -> list[PlacedHold | BillingError]:
    """Hold money for each request in turn, all in one transaction.

    The outcomes are in the order of the requests; InsufficientCredits, KeyLimitReached, UnknownAccount,
    AmountOutOfRange or RecordRefused where there is no hold. With `is_repeat`, when an earlier attempt
    may have been committed without our knowing, this process's own open holds are granted again.
    """
    plain: Mapping[uuid.UUID, PlacedHold] = {}
    if dialect.is_postgres() and not is_repeat:
        with contextlib.suppress(*_REFUSED):
            plain = plain_batch.hold(requests, process_id=process_id)
    work = partial(_hold, process_id=process_id, is_repeat=is_repeat)
    return _with_the_rest(requests, plain, work)


def settle(
    settlements: Sequence[Settlement], *, is_repeat: bool = False
) -> list[Settled | BillingError]:
    """Resolve each hold: charge, generation and key's spending, all in one transaction.

    The outcomes are in the order of the settlements; AlreadySettled where the hold is not open any more;
    AmountOutOfRange or RecordRefused where only its release can be booked. With `is_repeat`, when an
    earlier attempt may have been committed without our knowing, its outcome is read again.
    """
    plain: Mapping[uuid.UUID, Settled] = {}
    if dialect.is_postgres() and not is_repeat:
        with contextlib.suppress(*_REFUSED):
            plain = plain_batch.settle(settlements)
    outcomes = _with_the_rest(settlements, plain, partial(_settle, is_repeat=is_repeat))
    refused = [
        settlement.voided()
        for settlement, outcome in zip(settlements, outcomes, strict=True)
        if isinstance(outcome, RecordRefused)
    ]
    _together(partial(_settle, is_repeat=is_repeat), refused)
    return outcomes


def top_up(account_id: int, amount_nano: int, *, payment_id: str, reason: str = "") -> Movement:
    """Credit a payment once, however often this is called.

    Raises AmountOutOfRange, UnknownAccount, and MovementRefused when the payment was credited to another
    account or with another amount.
    """
    if amount_nano <= 0 or not payment_id:
        raise AmountOutOfRange("A top-up has a positive amount and a payment.")
    try:
        return _move(account_id, "top_up", amount_nano, payment_id=payment_id, reason=reason)
    except IntegrityError:
        found = LedgerEntry.objects.filter(kind="top_up", payment_id=payment_id).first()
        if found is None:
            raise
        if (found.account_id, found.amount_nano) != (account_id, amount_nano):
            raise MovementRefused("The payment was credited already, and otherwise.") from None
        return Movement(found.pk, found.amount_nano, found.balance_nano, is_new=False)


def take_back(account_id: int, amount_nano: int, *, refund_id: str, reason: str) -> Movement:
    """Take back what the shop has given back to the payer, once for each refund.

    The balance may go below zero, and then blocks spending. Raises AmountOutOfRange, UnknownAccount,
    MovementRefused.
    """
    if amount_nano <= 0 or not refund_id:
        raise AmountOutOfRange("A refund at the shop has a positive amount and an id.")
    try:
        return _move(account_id, "returned", -amount_nano, payment_id=refund_id, reason=reason)
    except IntegrityError as error:
        raise MovementRefused("The refund was taken back already.") from error


def refund(
    generation_id: uuid.UUID, *, reason: str, actor_id: int | None, amount_nano: int | None = None
) -> Movement:
    """Refund the charge of a generation, or a part of it, once.

    Raises MovementRefused, AmountOutOfRange.
    """
    generation = Generation.objects.filter(id=generation_id).first()
    charged_nano = generation.cost_nano - generation.write_off_nano if generation else 0
    if amount_nano is None:
        amount_nano = charged_nano
    if generation is None or not 0 < amount_nano <= charged_nano:
        raise MovementRefused("A refund is of a charge, and not above it.")
    try:
        return _move(
            *(generation.account_id, "refund", amount_nano),
            generation_id=generation_id,
            reason=reason,
            actor_id=actor_id,
        )
    except IntegrityError as error:
        raise MovementRefused("The generation was refunded already.") from error


def adjust(account_id: int, amount_nano: int, *, reason: str, actor_id: int | None) -> Movement:
    """Correct a balance, upwards or downwards as far as it is available; the entry keeps the reason.

    `actor_id` is the operator's; None means the shell.
    Raises InsufficientCredits, AmountOutOfRange, MovementRefused, UnknownAccount.
    """
    return _move(account_id, "adjustment", amount_nano, reason=reason, actor_id=actor_id)


def write_off(account_id: int, amount_nano: int, *, reason: str, actor_id: int | None) -> Movement:
    """Credit an account for a cost that the service bears.

    Raises AmountOutOfRange, MovementRefused, UnknownAccount.
    """
    if amount_nano <= 0:
        raise AmountOutOfRange("A write-off is positive.")
    return _move(account_id, "write_off", amount_nano, reason=reason, actor_id=actor_id)


def _with_the_rest(
    items: Sequence[_Item],
    plain: Mapping[uuid.UUID, _Result],
    work: Callable[[Sequence[_Item]], list[_Result | BillingError]],
) -> list[_Result | BillingError]:
    """Return the outcomes of the plain items, and of the others what `work` makes of them."""
    done = dict(plain)
    found = [done.pop(item.generation_id, None) for item in items]
    rest = iter(
        _together(work, [item for item, it in zip(items, found, strict=True) if it is None])
    )
    return [next(rest) if outcome is None else outcome for outcome in found]


def _together(
    work: Callable[[Sequence[_Item]], list[_Result | BillingError]], items: Sequence[_Item]
) -> list[_Result | BillingError]:
    """Run a batch in one transaction; if the database refuses it, each item in its own."""
    if not items:
        return []
    try:
        with transaction.atomic():
            limit_waits()
            return work(items)
    except _REFUSED as error:
        if len(items) == 1:
            logger.exception("The database refuses a row of the money path.")
            refusal = RecordRefused("The request cannot be booked.")
            refusal.__cause__ = error
            return [refusal]
    return [outcome for item in items for outcome in _together(work, [item])]


def _hold(
    requests: Sequence[HoldRequest], *, process_id: uuid.UUID, is_repeat: bool
) -> list[PlacedHold | BillingError]:
    with connection.cursor() as cursor:
        locked_accounts = LockedAccounts.lock(
            cursor, {request.principal.account_id for request in requests}
        )
        batch = HoldBatch(cursor, locked_accounts, requests, process_id)
        if is_repeat:
            batch.recognise()
        outcomes = [batch.grant(request) for request in requests]
        short = [
            index
            for index, outcome in enumerate(outcomes)
            if isinstance(outcome, InsufficientCredits | KeyLimitReached)
        ]
        accounts = sorted({requests[index].principal.account_id for index in short})
        if accounts and release_lost(cursor, locked_accounts, accounts):
            batch.read_budgets()
            for index in short:
                outcomes[index] = batch.grant(requests[index])
        sql.run(cursor, [*locked_accounts.changes(), *sql.insert_holds(batch.rows)])
    return outcomes


def _settle(settlements: Sequence[Settlement], *, is_repeat: bool) -> list[Settled | BillingError]:
    ids = [settlement.generation_id for settlement in settlements]
    with connection.cursor() as cursor:
        locked_accounts = LockedAccounts.lock(
            cursor, {settlement.hold.account_id for settlement in settlements}
        )
        holds = sql.take_holds(cursor, ids)
        charges = {}
        if is_repeat and len(holds) < len(ids):
            charges = sql.find_charges(cursor, ids, except_error=PROCESS_LOST)
        batch = SettlementBatch(locked_accounts, holds, charges)
        outcomes = [batch.book(settlement) for settlement in settlements]
        sql.run(cursor, batch.statements())
    return outcomes


def _move(
    account_id: int,
    kind: str,
    amount_nano: int,
    *,
    reason: str,
    generation_id: uuid.UUID | None = None,
    payment_id: str = "",
    actor_id: int | None = None,
) -> Movement:
    if not 0 < abs(amount_nano) <= MAX_AMOUNT_NANO:
        raise AmountOutOfRange(f"No movement is of {amount_nano} nano-credits.")
    reason = reason.strip()
    if kind != "top_up" and not reason:
        raise MovementRefused("A movement by hand has a reason.")
    with transaction.atomic(), connection.cursor() as cursor:
        locked_accounts = LockedAccounts.lock(cursor, [account_id])
        locked_account = locked_accounts.get(account_id)
        if locked_account is None:
            raise UnknownAccount(f"There is no account {account_id}.")
        _keep_debt(locked_account, kind, amount_nano)
        row = locked_account.entry(
            *(kind, amount_nano, generation_id, reason), payment_id=payment_id, actor_id=actor_id
        )
        if locked_account.posted_nano > MAX_BALANCE_NANO:
            raise AmountOutOfRange("No balance is that large.")
        entry = LedgerEntry.objects.create(
            account_id=account_id,
            kind=kind,
            amount_nano=amount_nano,
            balance_nano=row.balance_nano,
            generation_id=generation_id,
            payment_id=payment_id,
            reason=reason,
            actor_id=actor_id,
            created_at=row.created_at,
            digest=row.digest,
        )
        sql.run(cursor, locked_accounts.changes())
    return Movement(entry.pk, amount_nano, locked_account.posted_nano, is_new=True)


def _keep_debt(locked_account: LockedAccount, kind: str, amount_nano: int) -> None:
    """Let a refund at the shop overdraw the account, and no other movement. Raises InsufficientCredits."""
    if amount_nano < 0 and kind != "returned" and locked_account.available_nano + amount_nano < 0:
        raise InsufficientCredits(
            needed_nano=-amount_nano, available_nano=max(0, locked_account.available_nano)
        )
    locked_account.owe(amount_nano)
