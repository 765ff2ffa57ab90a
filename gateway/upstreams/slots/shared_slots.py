"""Upstream slots that all processes share: Redis grants them, and each process renews those it holds."""

import contextlib
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from billing.ledger import live_processes
from gateway.upstreams.slots.memory_store import MemorySlots
from gateway.upstreams.slots.redis_store import LEASE_S, RedisSlots
from gateway.upstreams.slots.store import SlotRequest, SlotStoreAway
from infra.background import Background
from infra.group_commit import GroupCommit, StillRunning
from infra.redis import TIMEOUT_S

LOOK_S = 0.025
"""The least time between two polls for slots that waiting requests were granted."""
RENEW_S = 1.0
"""How often a process sends Redis all its waiting requests and held slots."""
RETURN_S = 3.0
"""How long Redis must be back before it is used: by then every process has sent what it holds."""
PATIENCE_S = 2 * TIMEOUT_S
"""How long a request waits for what Redis says to it, and to those before it."""


@dataclass(frozen=True, slots=True)
class Change:
    """A slot request that came, or the id of one that left."""

    came: SlotRequest | None = None
    left: str | None = None


class SharedSlots:
    """The slots of one provider.

    While Redis is away, each of `processes`, or of all that live where they are more, has an equal share
    of every cap.
    """

    def __init__(self, provider: str, store: RedisSlots, *, processes: int) -> None:
        self._provider = provider
        self._store = store
        self._processes = processes
        self._process = uuid.uuid4().hex
        self._here = MemorySlots(self._share)
        self._lock = threading.Lock()
        self._waiting: dict[str, SlotRequest] = {}
        self._caps: dict[str, int] = {}
        self._orphans: list[str] = []
        self._free: dict[str, int] = {}
        self._away_at_s: float | None = None
        self._back_at_s: float | None = None
        self._held_then: Mapping[str, int] = {}
        self._renewed_at_s = 0.0
        self._changes: GroupCommit[Change, None] = GroupCommit(
            self._tell, name=f"slot-changes-{provider}"
        )
        self._background = Background(
            f"slots-{provider}", self._tend, every_s=self._wait_s, pause_s=LOOK_S
        )

    def enter(self, slot_request: SlotRequest) -> None:
        """Grant a slot now, or queue the slot request and grant one later."""
        self._background.ensure_running()
        with self._lock:
            self._caps.update(slot_request.slots)
            is_shared = self._away_at_s is None
            if is_shared:
                self._waiting[slot_request.id] = slot_request
            else:
                self._here.enter(slot_request)
        if is_shared:
            with contextlib.suppress(StillRunning):  # it is told again with all that wait
                self._changes.submit(Change(came=slot_request), timeout_s=PATIENCE_S)
        self._background.wake()

    def leave(self, slot_request: SlotRequest) -> None:
        """Release the slot request's slot or place in the queue; a second call does nothing.

        Redis hears of it with what else changes at that moment, and nobody waits for that.
        """
        with self._lock:
            self._waiting.pop(slot_request.id, None)
            self._here.leave(slot_request)
        self._changes.post(Change(left=slot_request.id))

    def has_room(self, slots: Mapping[str, int]) -> bool:
        """Say whether one of these credentials, given with its cap, has a slot free."""
        with self._lock:
            self._caps.update(slots)
            is_shared = self._away_at_s is None
        if is_shared:
            try:
                self._exchange()
            except SlotStoreAway:
                self._fall_back()
            else:
                return any(self._free.get(credential, 0) > 0 for credential in slots)
        return self._here.has_room(slots)

    def stop(self) -> None:
        """End the threads; the slots held in Redis expire."""
        self._changes.flush(PATIENCE_S)
        self._background.stop()

    def _tell(self, changes: Sequence[Change]) -> Sequence[None]:
        """Send the changes of one moment in one call."""
        left = [change.left for change in changes if change.left is not None]
        came = [change.came for change in changes if change.came is not None]
        try:
            self._exchange(came=[item for item in came if item.id not in left], left=left)
        except SlotStoreAway:
            self._fall_back()  # slots that were left expire in Redis
        return [None] * len(changes)

    def _exchange(
        self,
        *,
        came: Iterable[SlotRequest] = (),
        left: Iterable[str] = (),
        held: Mapping[str, str] | None = None,
    ) -> None:
        """Send the changes to Redis and grant what it assigned. Raises SlotStoreAway."""
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
                    self._orphans += left  # older ones have expired in Redis
            raise
        with self._lock:
            self._free = {name: cap - dealt.taken.get(name, 0) for name, cap in pool.items()}
            for ticket_id, credential in dealt.granted.items():
                slot_request = self._waiting.pop(ticket_id, None)
                if slot_request is not None:
                    self._here.note(slot_request, credential)
                elif ticket_id not in self._here.held():
                    self._orphans.append(ticket_id)  # the request has left meanwhile

    def _fall_back(self) -> None:
        """Continue with this process's share of the slots."""
        with self._lock:
            if self._away_at_s is None:
                self._held_then = Counter(self._here.held().values())
                self._away_at_s = time.monotonic()
            self._back_at_s = None
            waiting, self._waiting = list(self._waiting.values()), {}
            for slot_request in waiting:
                self._here.enter(slot_request)

    def _share(self, credential: str, cap: int) -> int:
        """Return how many requests at once a cap allows in this process while Redis is away.

        While slots of other processes may still be held, this is at most what was held here plus this
        process's share of what was free.
        """
        processes = live_processes.at_least(self._processes)
        share = cap // processes
        if self._away_at_s is None or time.monotonic() > self._away_at_s + LEASE_S:
            return share
        free = max(0, self._free.get(credential, cap))
        return min(share, self._held_then.get(credential, 0) + free // processes)

    def _tend(self) -> None:
        """Poll for granted slots, renew what is held, and return to Redis when it is back."""
        try:
            if time.monotonic() >= self._renewed_at_s + RENEW_S:
                self._renew()
            elif self._waiting:
                self._exchange()
        except SlotStoreAway:
            self._fall_back()

    def _renew(self) -> None:
        held = self._here.held()
        with self._lock:
            waiting = list(self._waiting.values())
        try:
            self._exchange(came=waiting, held=held)
            sent = held.keys() | {slot_request.id for slot_request in waiting}
            ended = sent - self._here.held().keys() - self._waiting.keys()
            if ended:  # while they were sent as present
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
            self._waiting |= {slot_request.id: slot_request for slot_request in waiting}
        if waiting:
            self._exchange(came=waiting)

    def _wait_s(self) -> float | None:
        """Return how long the thread may wait; None: until a request comes."""
        if self._waiting:
            return LOOK_S * random.uniform(0, 0.5)  # noqa: S311 -- no secret
        is_busy = self._away_at_s is not None or self._orphans or self._here.held()
        return RENEW_S / 2 if is_busy else None
