"""A request's slot request for an upstream slot, and the protocol of the stores that grant one."""

import threading
import uuid
from collections.abc import Mapping
from typing import Protocol


class SlotRequest:
    """A request for one slot; `slots` maps the ids of the credentials that will do to their caps."""

    __slots__ = ("_woken", "account_id", "credential", "id", "slots")

    def __init__(self, account_id: int, slots: Mapping[str, int]) -> None:
        self.id = uuid.uuid4().hex
        self.account_id = account_id
        self.slots = slots
        self.credential: str | None = None
        self._woken = threading.Event()

    def grant(self, credential: str) -> None:
        """Wake the request: it may run with that credential."""
        self.credential = credential
        self._woken.set()

    def wake(self) -> None:
        """End the wait, now and from now on: the caller has left."""
        self._woken.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the slot; say whether it was granted."""
        self._woken.wait(timeout_s)
        return self.credential is not None


class SlotStore(Protocol):
    """The slots of one provider. Every slot request that enters must leave, granted or not."""

    def enter(self, slot_request: SlotRequest) -> None:
        """Grant a slot now, or queue the slot request and grant one later."""
        ...

    def leave(self, slot_request: SlotRequest) -> None:
        """Release the slot request's slot or place in the queue; a second call does nothing."""
        ...

    def has_room(self, slots: Mapping[str, int]) -> bool:
        """Say whether one of these credentials, given with its cap, has a slot free."""
        ...


class SlotStoreAway(Exception):
    """Redis did not answer, or is not asked for a moment because it did not."""
