"""The only writer of money: holds and settlements in batches, and the movements that people make.

Whoever moves an account's money has locked its row first, accounts in the order of their ids, and
everything else of an account stands behind that lock.
"""

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from django.db import DataError, IntegrityError, connection, transaction

from billing import statements
from billing.constants import MAX_AMOUNT_NANO, MAX_BALANCE_NANO
from billing.errors import (
    AmountOutOfRange,
    BillingError,
    InsufficientCredits,
    KeyLimitReached,
    MovementRefused,
    RecordRefused,
    UnknownAccount,
)
from billing.holds import Hold, HoldBatch, HoldRequest
from billing.models import Generation, LedgerEntry
from billing.purses import Purses
from billing.settlement import Settled, Settlement, SettlementBatch
from billing.sweep import PROCESS_LOST, release_lost

__all__ = [
    "Hold",
    "HoldRequest",
    "Movement",
    "Settled",
    "Settlement",
    "adjust",
    "hold",
    "refund",
    "settle",
    "top_up",
    "write_off",
]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Movement:
    """A ledger entry that stands, and whether this call has written it."""

    entry_id: int
    amount_nano: int
    balance_nano: int
    is_new: bool


def hold(
    requests: Sequence[HoldRequest], *, process_id: uuid.UUID, is_repeat: bool = False
) -> list[Hold | BillingError]:
    """Set money aside for each request in turn, all in one transaction.

    The outcomes are in the order of the requests; InsufficientCredits, KeyLimitReached, UnknownAccount,
    AmountOutOfRange or RecordRefused where there is no hold. With `is_repeat`, when an earlier try may
    have been committed unseen, this process's own open holds are granted again.
    """
    work = partial(_hold, process_id=process_id, is_repeat=is_repeat)
    return _together(work, requests)


def settle(
    settlements: Sequence[Settlement], *, is_repeat: bool = False
) -> list[Settled | BillingError]:
    """Resolve each hold: charge, generation and key's spending, all in one transaction.

    The outcomes are in the order of the settlements; AlreadySettled where the hold is not open any more;
    AmountOutOfRange or RecordRefused where nothing but its release can be booked. With `is_repeat`, when
    an earlier try may have been committed unseen, what it came to is read again.
    """
    outcomes = _together(partial(_settle, is_repeat=is_repeat), settlements)
    refused = [
        settlement.voided()
        for settlement, outcome in zip(settlements, outcomes, strict=True)
        if isinstance(outcome, RecordRefused)
    ]
    _together(partial(_settle, is_repeat=is_repeat), refused)
    return outcomes


def top_up(account_id: int, amount_nano: int, *, payment_id: str, reason: str = "") -> Movement:
    """Credit a payment, once however often it is told of.

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


def refund(
    generation_id: uuid.UUID, *, reason: str, actor_id: int | None, amount_nano: int | None = None
) -> Movement:
    """Give back what a generation was charged, or a part of it; once.

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
    """Correct a balance, upwards or down to what is available, for a reason that is kept.

    `actor_id` is the operator's; None is the operator of the machine itself.
    Raises InsufficientCredits, AmountOutOfRange, MovementRefused, UnknownAccount.
    """
    return _move(account_id, "adjustment", amount_nano, reason=reason, actor_id=actor_id)


def write_off(account_id: int, amount_nano: int, *, reason: str, actor_id: int | None) -> Movement:
    """Bear a cost for an account.

    Raises AmountOutOfRange, MovementRefused, UnknownAccount.
    """
    if amount_nano <= 0:
        raise AmountOutOfRange("A write-off is positive.")
    return _move(account_id, "write_off", amount_nano, reason=reason, actor_id=actor_id)


def _together(
    work: Callable[[Sequence[_Item]], list[_Result | BillingError]], items: Sequence[_Item]
) -> list[_Result | BillingError]:
    """Do a batch in one transaction; where the database refuses it, each item in one of its own."""
    if not items:
        return []
    try:
        with transaction.atomic():
            return work(items)
    except (DataError, IntegrityError, OverflowError) as error:
        if len(items) == 1:
            logger.exception("The database refuses a row of the money path.")
            refusal = RecordRefused("The request cannot be booked.")
            refusal.__cause__ = error
            return [refusal]
    return [outcome for item in items for outcome in _together(work, [item])]


def _hold(
    requests: Sequence[HoldRequest], *, process_id: uuid.UUID, is_repeat: bool
) -> list[Hold | BillingError]:
    with connection.cursor() as cursor:
        purses = Purses.lock(cursor, {request.principal.account_id for request in requests})
        batch = HoldBatch(cursor, purses, requests, process_id)
        if is_repeat:
            batch.recognise()
        outcomes = [batch.grant(request) for request in requests]
        short = [
            index
            for index, outcome in enumerate(outcomes)
            if isinstance(outcome, InsufficientCredits | KeyLimitReached)
        ]
        accounts = sorted({requests[index].principal.account_id for index in short})
        if accounts and release_lost(cursor, purses, accounts):
            batch.read_budgets()
            for index in short:
                outcomes[index] = batch.grant(requests[index])
        statements.run(cursor, [*purses.changes(), *statements.insert_holds(batch.rows)])
    return outcomes


def _settle(settlements: Sequence[Settlement], *, is_repeat: bool) -> list[Settled | BillingError]:
    ids = [settlement.generation_id for settlement in settlements]
    with connection.cursor() as cursor:
        purses = Purses.lock(cursor, {settlement.hold.account_id for settlement in settlements})
        holds = statements.take_holds(cursor, ids)
        charges = {}
        if is_repeat and len(holds) < len(ids):
            charges = statements.find_charges(cursor, ids, except_error=PROCESS_LOST)
        batch = SettlementBatch(purses, holds, charges)
        outcomes = [batch.book(settlement) for settlement in settlements]
        statements.run(cursor, batch.statements())
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
        purses = Purses.lock(cursor, [account_id])
        purse = purses.get(account_id)
        if purse is None:
            raise UnknownAccount(f"There is no account {account_id}.")
        purse.post(amount_nano)
        if purse.posted_nano > MAX_BALANCE_NANO:
            raise AmountOutOfRange("No balance is that large.")
        entry = LedgerEntry.objects.create(
            account_id=account_id,
            kind=kind,
            amount_nano=amount_nano,
            balance_nano=purse.posted_nano,
            generation_id=generation_id,
            payment_id=payment_id,
            reason=reason,
            actor_id=actor_id,
        )
        statements.run(cursor, purses.changes())
    return Movement(entry.pk, amount_nano, purse.posted_nano, is_new=True)
