"""One run of a request that may be repeated, and which of several runs a retry joins."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from billing.usage import generations
from gateway.api.retries.identity import Identity


class RunLost(Exception):
    """The run has ended without an answer: its process died, or gave it up."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A sealed answer. Only who joined the run before it ended is given a failure."""

    sealed: bytes = field(repr=False)
    is_failure: bool


class Run:
    """A run of this process. `joined` is the highest count of a retry that joined it.

    `id` is that of the generation it makes: by that it is known what a run has cost whose process died.
    `replaces` are the ids of such runs of the same name.
    """

    def __init__(self, identity: Identity) -> None:
        self.id = generations.new_id().hex
        self.identity = identity
        self.joined = identity.retry or 0
        self.replaces: Sequence[str] = ()
        self.ended: Ended | None = None
        self.is_lost = False
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], object]] = []

    def outcome(self) -> Ended | None:
        """Return how the run ended; None while it goes on. Raises RunLost."""
        if self.is_lost:
            raise RunLost
        return self.ended

    def on_end(self, wake: Callable[[], object]) -> None:
        """Call `wake` when the run ends, at once if it has."""
        with self._lock:
            self._waiting.append(wake)
            has_ended = self.is_lost or self.ended is not None
        if has_ended:
            wake()

    def end(self, ended: Ended | None) -> None:
        """Say how the run ended, None: without an answer; whoever waits is woken."""
        with self._lock:
            self.ended, self.is_lost = ended, ended is None
            waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake()


def joined_by(retry: int | None, joined: Sequence[int]) -> int | None:
    """Return which of the live runs a request joins; None: it is the first.

    `joined` has each run's highest count of a retry so far, the newest run first. Equal originals that
    run side by side each have retries of their own: the newest run that this count has not joined yet
    is taken. Under an Idempotency-Key (`retry` None) there is one live run at most.
    """
    if not joined:
        return None
    if retry is None:
        return 0
    return next((index for index, count in enumerate(joined) if count < retry), 0)
