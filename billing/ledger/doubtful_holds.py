"""Holds that were given up while the database may still have been placing them.

A statement that is broken off here can be committed there, once the database goes on. Its process lives, so
that no sweep would ever release what it holds.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterable

from billing.errors import MoneyStoreUnavailable
from billing.ledger import ledger
from billing.ledger.holds import PlacedHold
from billing.ledger.retrying_connection import RetryingConnection
from billing.ledger.settlement import Settlement
from billing.models import Hold
from billing.usage.generations import GenerationFacts
from infra.background import Background

NOT_WAITED_FOR = "hold_not_waited_for"
LOOK_S = 5.0
DOUBT_S = 600.0
"""How long after it was given up a hold may still be placed."""

logger = logging.getLogger(__name__)


def void(hold: PlacedHold) -> Settlement:
    """Return what releases a hold whose request stopped waiting for it."""
    return Settlement(hold, "void", 0, GenerationFacts("", error_code=NOT_WAITED_FOR))


class DoubtfulHolds:
    """Looks, while there are any, for those that were placed after all, and voids them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until_s: dict[uuid.UUID, float] = {}
        self._store = RetryingConnection(is_own=True)
        self._thread = Background("doubtful holds", self._look, every_s=self._wait_s)

    def add(self, generation_ids: Iterable[uuid.UUID]) -> None:
        """Take up holds that were given up."""
        self._until_s |= dict.fromkeys(generation_ids, self._clock() + DOUBT_S)
        self._thread.ensure_running()
        self._thread.wake()

    def void_placed(self) -> int:
        """Void those that were placed after all; return how many. Raises django.db.Error."""
        now_s = self._clock()
        for generation_id, until_s in list(self._until_s.items()):
            if until_s <= now_s:
                del self._until_s[generation_id]
        rows = Hold.objects.filter(id__in=list(self._until_s))
        placed = [PlacedHold(row.id, row.account_id, row.amount_nano, 0, 0) for row in rows]
        if placed:
            ledger.settle([void(hold) for hold in placed])
            logger.warning("%d holds that were given up are released.", len(placed))
        return len(placed)

    def stop(self) -> None:
        """End the thread; the next `add` starts it again."""
        self._thread.stop()

    def _wait_s(self) -> float | None:
        return LOOK_S if self._until_s else None

    def _look(self) -> None:
        try:
            self._store.run(lambda is_repeat: self.void_placed(), patience_s=0)
        except MoneyStoreUnavailable:
            return  # it is logged, and the next look comes soon
        finally:
            self._store.rest()
