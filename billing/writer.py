"""How a request reaches the ledger: its hold before, its settlement after, each by group commit."""

import atexit
import logging
from collections.abc import Sequence
from functools import partial

from billing import ledger
from billing.errors import BillingError, MoneyStoreUnavailable, StillSettling
from billing.generations import GenerationFacts
from billing.group_commit import GroupCommit, StillRunning
from billing.holds import Hold, HoldRequest
from billing.leases import lease
from billing.settlement import Settled, Settlement
from billing.store import MoneyStore, break_off_stuck

HOLD_PATIENCE_S = 0.9
SETTLEMENT_PATIENCE_S = 2.0
EXIT_PATIENCE_S = 20.0

NOT_WAITED_FOR = "hold_not_waited_for"

logger = logging.getLogger(__name__)


def hold(request: HoldRequest) -> Hold:
    """Set money aside for one request; when this returns, that is durable.

    Raises InsufficientCredits, KeyLimitReached, and MoneyStoreUnavailable within a second.
    """
    try:
        return _holds.submit(request, timeout_s=HOLD_PATIENCE_S)
    except StillRunning:
        raise MoneyStoreUnavailable("The money store is too slow.") from None


def settle(settlement: Settlement, *, timeout_s: float = SETTLEMENT_PATIENCE_S) -> Settled:
    """Resolve one request's hold.

    Raises StillSettling after `timeout_s`, when that goes on without the caller; AlreadySettled;
    AmountOutOfRange or RecordRefused where nothing but the hold's release could be booked.
    """
    try:
        return _settlements.submit(settlement, timeout_s=timeout_s)
    except StillRunning:
        raise StillSettling(f"{settlement.generation_id} is not settled yet.") from None


def flush(timeout_s: float = EXIT_PATIENCE_S) -> None:
    """Commit what is queued and end the threads, as a process must before it ends."""
    is_done = _holds.flush(timeout_s) and _settlements.flush(timeout_s)
    if not is_done:
        logger.error("The money store is away: settlements of this process are lost.")
    lease.stop()


def _commit_holds(requests: Sequence[HoldRequest]) -> Sequence[Hold | BillingError]:
    def work(is_repeat: bool) -> list[Hold | BillingError]:
        return ledger.hold(requests, process_id=lease.keep(), is_repeat=is_repeat)

    try:
        return _hold_store.persist(work, patience_s=HOLD_PATIENCE_S)
    except MoneyStoreUnavailable as error:
        return [error] * len(requests)


def _commit_settlements(settlements: Sequence[Settlement]) -> Sequence[Settled | BillingError]:
    return _settlement_store.persist(partial(_settle, settlements))


def _settle(settlements: Sequence[Settlement], is_repeat: bool) -> list[Settled | BillingError]:
    return ledger.settle(settlements, is_repeat=is_repeat)


def _release(hold: Hold) -> None:
    """Void a hold whose request did not wait for it."""
    facts = GenerationFacts("", error_code=NOT_WAITED_FOR)
    _settlements.post(Settlement(hold, "void", 0, facts))


_hold_store = MoneyStore()
_settlement_store = MoneyStore()
_holds: GroupCommit[HoldRequest, Hold] = GroupCommit(
    _commit_holds,
    name="holds",
    undo=_release,
    rest=_hold_store.rest,
    hurry=break_off_stuck,
)
_settlements: GroupCommit[Settlement, Settled] = GroupCommit(
    _commit_settlements,
    name="settlements",
    rest=_settlement_store.rest,
    hurry=break_off_stuck,
)
atexit.register(flush)
