"""Upstream slots that all processes share: Redis deals them, and this process keeps its leases alive."""

import logging
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping

from gateway.upstreams.slot_store import SlotStoreAway, Ticket
from gateway.upstreams.slot_store_memory import MemorySlots
from gateway.upstreams.slot_store_redis import LEASE_S, RedisSlots

LOOK_S = 0.03
"""How often a process with somebody in the queue looks what it was dealt, however many wait."""
RENEW_S = 1.0
"""How often Redis is told, of the whole process, who waits and what is held."""
RETURN_S = 3.0
"""Redis that comes back is used after so long: by then every process has told what it holds."""

logger = logging.getLogger(__name__)


class SharedSlots:
    """The slots of one provider. While Redis is away each of `processes` has its share of every cap."""

    def __init__(self, provider: str, store: RedisSlots, *, processes: int) -> None:
        self._provider = provider
        self._store = store
        self._processes = processes
        self._process = uuid.uuid4().hex
        self._here = MemorySlots(self._share)
        self._lock = threading.Lock()
        self._waiting: dict[str, Ticket] = {}
        self._caps: dict[str, int] = {}
        self._orphans: list[str] = []
        self._free: dict[str, int] = {}
        self._away_at_s: float | None = None
        self._back_at_s: float | None = None
        self._held_then: Mapping[str, int] = {}
        self._renewed_at_s = 0.0
        self._is_needed = threading.Event()
        self._is_over = False
        self._thread: threading.Thread | None = None

    def enter(self, ticket: Ticket) -> None:
        """Give it a slot now, or a place in the queue and a slot later."""
        self._ensure_running()
        with self._lock:
            self._caps.update(ticket.slots)
            is_shared = self._away_at_s is None
            if is_shared:
                self._waiting[ticket.id] = ticket
            else:
                self._here.enter(ticket)
        if is_shared:
            try:
                self._exchange(came=[ticket])
            except SlotStoreAway:
                self._fall_back()
        self._is_needed.set()

    def leave(self, ticket: Ticket) -> None:
        """Take back what the ticket has; a second time does nothing."""
        with self._lock:
            self._waiting.pop(ticket.id, None)
            self._here.leave(ticket)
        try:
            self._exchange(left=[ticket.id])
        except SlotStoreAway:
            self._fall_back()  # the lease lapses by itself

    def stop(self) -> None:
        """End the thread; leases lapse."""
        self._is_over = True
        self._is_needed.set()

    def _exchange(
        self,
        *,
        came: Iterable[Ticket] = (),
        left: Iterable[str] = (),
        held: Mapping[str, str] | None = None,
    ) -> None:
        """Tell Redis and hand out what it dealt. Raises SlotStoreAway."""
        with self._lock:
            left, self._orphans = [*left, *self._orphans], []
            pool = dict(self._caps)
        try:
            dealt = self._store.exchange(
                self._provider, self._process, pool, came=came, left=left, held=held
            )
        except SlotStoreAway:
            with self._lock:
                if self._away_at_s is None or time.monotonic() < self._away_at_s + LEASE_S:
                    self._orphans += left  # older leases have lapsed
            raise
        with self._lock:
            self._free = {name: cap - dealt.taken.get(name, 0) for name, cap in pool.items()}
            for ticket_id, credential in dealt.granted.items():
                ticket = self._waiting.pop(ticket_id, None)
                if ticket is not None:
                    self._here.note(ticket, credential)
                elif ticket_id not in self._here.held():
                    self._orphans.append(ticket_id)  # who waited has left meanwhile

    def _fall_back(self) -> None:
        """Go on with this process's share of the slots."""
        with self._lock:
            if self._away_at_s is None:
                self._held_then = Counter(self._here.held().values())
                self._away_at_s = time.monotonic()
            self._back_at_s = None
            waiting, self._waiting = list(self._waiting.values()), {}
            for ticket in waiting:
                self._here.enter(ticket)

    def _share(self, credential: str, cap: int) -> int:
        """Return how many requests at once a cap allows in this process while Redis is away.

        As long as the others' leases may live, no more than what was held here and this process's part
        of what was free: the rest may be taken.
        """
        share = cap // self._processes
        if self._away_at_s is None or time.monotonic() > self._away_at_s + LEASE_S:
            return share
        free = max(0, self._free.get(credential, cap))
        return min(share, self._held_then.get(credential, 0) + free // self._processes)

    def _tend(self) -> None:
        """Look what was dealt, tell who waits and what is held, and find the way back to Redis."""
        now_s = time.monotonic()
        is_due = now_s >= self._renewed_at_s + RENEW_S
        if is_due:
            self._renew()
        elif self._waiting:
            self._exchange()

    def _renew(self) -> None:
        held = self._here.held()
        with self._lock:
            waiting = list(self._waiting.values())
        try:
            self._exchange(came=waiting, held=held)
            told = held.keys() | {ticket.id for ticket in waiting}
            ended = told - self._here.held().keys() - self._waiting.keys()
            if ended:  # while it was told that they are there
                self._exchange(left=ended)
            self._come_back()
        finally:
            self._renewed_at_s = time.monotonic()
            self._here.deal()

    def _come_back(self) -> None:
        with self._lock:
            if self._away_at_s is None:
                return
            now_s = time.monotonic()
            if self._back_at_s is None:
                self._back_at_s = now_s
            if now_s < self._back_at_s + RETURN_S:
                return
            self._away_at_s = self._back_at_s = None
            waiting = self._here.take_waiting()
            self._waiting |= {ticket.id: ticket for ticket in waiting}
        if waiting:
            self._exchange(came=waiting)

    def _ensure_running(self) -> None:
        """Start the thread if it does not run yet; a forked process needs one of its own."""
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name=f"slots-{self._provider}", daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        while not self._is_over:
            try:
                self._tend()
            except SlotStoreAway:
                self._fall_back()
            except Exception:
                logger.exception("The slots of %s were not tended.", self._provider)
            self._rest()

    def _rest(self) -> None:
        """Sleep until there may be something to do."""
        if self._waiting:
            time.sleep(LOOK_S * random.uniform(0.5, 1.5))  # noqa: S311 -- no secret
            return
        is_busy = self._away_at_s is not None or self._orphans or self._here.held()
        self._is_needed.wait(RENEW_S / 2 if is_busy else None)
        self._is_needed.clear()
