"""The upstream slots of one process: used without Redis, and while Redis is away."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping

from gateway.upstreams.slots.store import SlotRequest


class MemorySlots:
    """A queue that goes round the accounts, each of them first come, first served.

    `allowed` says how many requests at once a credential's cap allows here: (credential, cap).
    """

    def __init__(self, allowed: Callable[[str, int], int] = lambda _, cap: cap) -> None:
        self._allowed = allowed
        self._lock = threading.Lock()
        self._queues: OrderedDict[int, deque[SlotRequest]] = OrderedDict()
        self._caps: dict[str, int] = {}
        self._held: dict[str, dict[str, SlotRequest]] = {}

    def enter(self, slot_request: SlotRequest) -> None:
        """Grant a slot now, or queue the slot request and grant one later."""
        with self._lock:
            self._caps.update(slot_request.slots)
            self._queues.setdefault(slot_request.account_id, deque()).append(slot_request)
            self._deal()

    def leave(self, slot_request: SlotRequest) -> None:
        """Release the slot request's slot or place in the queue; a second call does nothing."""
        with self._lock:
            queue = self._queues.get(slot_request.account_id)
            if slot_request.credential is not None:
                self._held.get(slot_request.credential, {}).pop(slot_request.id, None)
            elif queue is not None and slot_request in queue:
                queue.remove(slot_request)
                if not queue:
                    del self._queues[slot_request.account_id]
            self._deal()

    def note(self, slot_request: SlotRequest, credential: str) -> None:
        """Record and grant a slot that another store assigned."""
        with self._lock:
            self._hold(slot_request, credential)

    def held(self) -> dict[str, str]:
        """Return the credential of each slot request that has a slot."""
        with self._lock:
            return {
                ticket_id: credential
                for credential, slot_requests in self._held.items()
                for ticket_id in slot_requests
            }

    def held_of(self, credential: str) -> int:
        """Return how many slots of a credential are taken here. For `allowed`: takes no lock."""
        return len(self._held.get(credential, ()))

    def has_room(self, slots: Mapping[str, int]) -> bool:
        """Say whether one of these credentials, given with its cap, has a slot free."""
        with self._lock:
            self._caps.update(slots)
            return any(map(self._room, slots))

    def take_waiting(self) -> list[SlotRequest]:
        """Remove and return the waiting slot requests, in their order."""
        with self._lock:
            waiting = [slot_request for queue in self._queues.values() for slot_request in queue]
            self._queues.clear()
            return waiting

    def deal(self) -> None:
        """Grant again where the caps may have changed."""
        with self._lock:
            self._deal()

    def _deal(self) -> None:
        """Go round the accounts, one slot request each, until no waiting slot request fits."""
        passed_by = 0
        while passed_by < len(self._queues) and any(map(self._room, self._caps)):
            account_id, queue = next(iter(self._queues.items()))
            self._queues.move_to_end(account_id)
            passed_by = 0 if self._serve(queue) else passed_by + 1
            if not queue:
                del self._queues[account_id]

    def _serve(self, queue: deque[SlotRequest]) -> bool:
        """Grant the first slot request that fits a slot of the credential with the smallest share taken."""
        for slot_request in queue:
            fitting = [credential for credential in slot_request.slots if self._room(credential)]
            if fitting:
                queue.remove(slot_request)
                self._hold(slot_request, min(fitting, key=self._taken_share))
                return True
        return False

    def _hold(self, slot_request: SlotRequest, credential: str) -> None:
        self._caps.update(slot_request.slots)
        self._held.setdefault(credential, {})[slot_request.id] = slot_request
        slot_request.grant(credential)

    def _room(self, credential: str) -> bool:
        return self.held_of(credential) < self._allowed(credential, self._caps[credential])

    def _taken_share(self, credential: str) -> float:
        return self.held_of(credential) / self._caps[credential]
