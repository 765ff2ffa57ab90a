"""Holds before a request and settlements after it, committed in groups."""

import atexit
import logging
from collections.abc import Sequence
from functools import partial

from django.db import connection

from billing.errors import BillingError, MoneyStoreUnavailable, StillSettling
from billing.ledger import balances, ledger
from billing.ledger.doubtful_holds import DoubtfulHolds, void
from billing.ledger.holds import HoldRequest, PlacedHold
from billing.ledger.process_heartbeat import heartbeat
from billing.ledger.retrying_connection import RetryingConnection, break_off_stuck
from billing.ledger.settlement import Settled, Settlement
from infra import metrics
from infra.credits import NANO_PER_CREDIT
from infra.group_commit import GroupCommit, QueueStalled, StillRunning

HOLD_PATIENCE_S = 0.9
HOLD_STALLED_S = 0.6
"""When the oldest hold has waited this long, a new one would wait in vain."""
SETTLEMENT_PATIENCE_S = 2.0
EXIT_PATIENCE_S = 20.0
LINGER_S = 300.0
"""How long a thread that has nothing to do keeps its connection."""

logger = logging.getLogger(__name__)


def hold(request: HoldRequest) -> PlacedHold:
    """Hold money for one request; when this returns, the hold is durable.

    Raises InsufficientCredits, KeyLimitReached, and MoneyStoreUnavailable within a second; MoneyStoreBusy
    at once where others wait already for too long.
    """
    try:
        return _holds.submit(request, timeout_s=HOLD_PATIENCE_S)
    except StillRunning:
        raise MoneyStoreUnavailable("The money store is too slow.") from None
    except QueueStalled:
        raise _hold_connection.stalled(HOLD_STALLED_S) from None


def settle(settlement: Settlement, *, timeout_s: float = SETTLEMENT_PATIENCE_S) -> Settled:
    """Resolve one request's hold.

    Raises StillSettling after `timeout_s`, while it continues in the background; AlreadySettled;
    AmountOutOfRange or RecordRefused where only the hold's release could be booked.
    """
    try:
        return _settlements.submit(settlement, timeout_s=timeout_s)
    except StillRunning:
        raise StillSettling(f"{settlement.generation_id} is not settled yet.") from None


def settlement_lag_s() -> float:
    """Return for how long this process's oldest settlement has waited to be committed."""
    return _settlements.lag_s


def flush(timeout_s: float = EXIT_PATIENCE_S) -> None:
    """Commit what is queued and end the threads, before the process exits."""
    is_done = _holds.flush(timeout_s) and _settlements.flush(timeout_s)
    if not is_done:
        logger.error("The money store is away: settlements of this process are lost.")
    balances.flush(timeout_s)
    _doubtful_holds.stop()
    heartbeat.stop()


def _commit_holds(requests: Sequence[HoldRequest]) -> Sequence[PlacedHold | BillingError]:
    was_asked = False

    def work(is_repeat: bool) -> list[PlacedHold | BillingError]:
        nonlocal was_asked
        process_id = heartbeat.keep()
        connection.ensure_connection()
        was_asked = True
        return ledger.hold(requests, process_id=process_id, is_repeat=is_repeat)

    try:
        return _hold_connection.run(work, patience_s=HOLD_PATIENCE_S)
    except MoneyStoreUnavailable as error:
        if was_asked:
            _doubtful_holds.add(request.generation_id for request in requests)
        return [error] * len(requests)


def _commit_settlements(settlements: Sequence[Settlement]) -> Sequence[Settled | BillingError]:
    outcomes = _settlement_connection.run(partial(_settle, settlements))
    written_off_nano = sum(done.write_off_nano for done in outcomes if isinstance(done, Settled))
    if written_off_nano:
        metrics.WRITE_OFFS.inc(written_off_nano / NANO_PER_CREDIT)
    return outcomes


def _settle(settlements: Sequence[Settlement], is_repeat: bool) -> list[Settled | BillingError]:
    return ledger.settle(settlements, is_repeat=is_repeat)


def _release(hold: PlacedHold) -> None:
    """Void a hold whose request stopped waiting for it."""
    _settlements.post(void(hold))


_doubtful_holds = DoubtfulHolds()
_hold_connection = RetryingConnection(is_own=True)
_settlement_connection = RetryingConnection(is_own=True)
_holds: GroupCommit[HoldRequest, PlacedHold] = GroupCommit(
    _commit_holds,
    name="holds",
    undo=_release,
    rest=_hold_connection.rest,
    hurry=break_off_stuck,
    linger_s=LINGER_S,
    stalled_s=HOLD_STALLED_S,
)
_settlements: GroupCommit[Settlement, Settled] = GroupCommit(
    _commit_settlements,
    name="settlements",
    rest=_settlement_connection.rest,
    hurry=break_off_stuck,
    linger_s=LINGER_S,
)
atexit.register(flush)
