"""Upstream slots of one process: all there is without Redis, and the stand-in while Redis is away."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable

from gateway.upstreams.slot_store import Ticket


class MemorySlots:
    """A queue that goes round the accounts, each of them first come, first served.

    `allowed` says how many requests at once a credential's cap allows here: (credential, cap).
    """

    def __init__(self, allowed: Callable[[str, int], int] = lambda _, cap: cap) -> None:
        self._allowed = allowed
        self._lock = threading.Lock()
        self._queues: OrderedDict[int, deque[Ticket]] = OrderedDict()
        self._caps: dict[str, int] = {}
        self._held: dict[str, dict[str, Ticket]] = {}

    def enter(self, ticket: Ticket) -> None:
        """Give it a slot now, or a place in the queue and a slot later."""
        with self._lock:
            self._caps.update(ticket.slots)
            self._queues.setdefault(ticket.account_id, deque()).append(ticket)
            self._deal()

    def leave(self, ticket: Ticket) -> None:
        """Take back what the ticket has; a second time does nothing."""
        with self._lock:
            queue = self._queues.get(ticket.account_id)
            if ticket.credential is not None:
                self._held.get(ticket.credential, {}).pop(ticket.id, None)
            elif queue is not None and ticket in queue:
                queue.remove(ticket)
                if not queue:
                    del self._queues[ticket.account_id]
            self._deal()

    def note(self, ticket: Ticket, credential: str) -> None:
        """Grant a slot that another store gave."""
        with self._lock:
            self._hold(ticket, credential)

    def held(self) -> dict[str, str]:
        """Return the tickets that have a slot, with its credential."""
        with self._lock:
            return {
                ticket_id: credential
                for credential, tickets in self._held.items()
                for ticket_id in tickets
            }

    def held_of(self, credential: str) -> int:
        """Return how many slots of a credential are taken here. For `allowed`: takes no lock."""
        return len(self._held.get(credential, ()))

    def take_waiting(self) -> list[Ticket]:
        """Return those who wait, in their order, and forget them."""
        with self._lock:
            waiting = [ticket for queue in self._queues.values() for ticket in queue]
            self._queues.clear()
            return waiting

    def deal(self) -> None:
        """Look again who fits: what is allowed may have changed."""
        with self._lock:
            self._deal()

    def _deal(self) -> None:
        """Go round the accounts, one ticket each, until nobody who waits fits."""
        passed_by = 0
        while passed_by < len(self._queues) and any(map(self._room, self._caps)):
            account_id, queue = next(iter(self._queues.items()))
            self._queues.move_to_end(account_id)
            passed_by = 0 if self._serve(queue) else passed_by + 1
            if not queue:
                del self._queues[account_id]

    def _serve(self, queue: deque[Ticket]) -> bool:
        """Give the first ticket that fits its slot, of the credential with the smallest share taken."""
        for ticket in queue:
            fitting = [one for one in ticket.slots if self._room(one)]
            if fitting:
                queue.remove(ticket)
                self._hold(ticket, min(fitting, key=self._taken_share))
                return True
        return False

    def _hold(self, ticket: Ticket, credential: str) -> None:
        self._caps.update(ticket.slots)
        self._held.setdefault(credential, {})[ticket.id] = ticket
        ticket.grant(credential)

    def _room(self, credential: str) -> bool:
        return self.held_of(credential) < self._allowed(credential, self._caps[credential])

    def _taken_share(self, credential: str) -> float:
        return self.held_of(credential) / self._caps[credential]
