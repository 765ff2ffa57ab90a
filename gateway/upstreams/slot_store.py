"""What waits for an upstream slot, and what a store of slots does with it."""

import threading
import uuid
from collections.abc import Mapping
from typing import Protocol


class Ticket:
    """One request's wish for a slot of any of some credentials; `slots` maps their ids to their caps."""

    __slots__ = ("_granted", "account_id", "credential", "id", "slots")

    def __init__(self, account_id: int, slots: Mapping[str, int]) -> None:
        self.id = uuid.uuid4().hex
        self.account_id = account_id
        self.slots = slots
        self.credential: str | None = None
        self._granted = threading.Event()

    def grant(self, credential: str) -> None:
        """Let the request run with that credential."""
        self.credential = credential
        self._granted.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the slot; say whether it has come."""
        return self._granted.wait(timeout_s)


class SlotStore(Protocol):
    """The slots of one provider. A ticket that enters leaves, whether or not it got one."""

    def enter(self, ticket: Ticket) -> None:
        """Give it a slot now, or a place in the queue and a slot later."""
        ...

    def leave(self, ticket: Ticket) -> None:
        """Take back what the ticket has; a second time does nothing."""
        ...


class SlotStoreAway(Exception):
    """Redis did not answer, or is being left alone since it did not."""
