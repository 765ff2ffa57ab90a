"""Group commit: one thread commits, in one batch, all that queued up while it committed the last one.

Nobody waits for a timer: an item that comes alone is committed alone, at once.
"""

import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_BATCH = 256
LINGER_S = 0.05
"""How long the thread keeps what `rest` gives back, in case more comes."""

logger = logging.getLogger(__name__)


class StillRunning(Exception):
    """The waiter's time is over. What becomes of the item is decided without it."""


class _Ticket(Generic[Item, Result]):
    """One item on its way, with its outcome; `is_left` when nobody waits for that any more."""

    __slots__ = ("done", "is_left", "item", "outcome")

    def __init__(self, item: Item, *, is_left: bool) -> None:
        self.item = item
        self.outcome: Result | Exception | None = None
        self.is_left = is_left
        self.done = threading.Event()


class GroupCommit(Generic[Item, Result]):
    """Commits items in batches, each in the order of arrival, on a thread of its own.

    `commit` returns an outcome for every item: its result, or the exception that its waiter gets.
    With `undo`, an item whose waiter left is skipped, or undone when it was committed; without it, it is
    committed all the same. `rest` is called on the thread when nothing is left to do, `hurry` by a
    waiter whose time is over.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        *,
        name: str,
        undo: Callable[[Result], None] | None = None,
        rest: Callable[[], None] = lambda: None,
        hurry: Callable[[], None] = lambda: None,
    ) -> None:
        self._commit = commit
        self._name = name
        self._undo = undo
        self._rest = rest
        self._hurry = hurry
        self.forget()
        _all.add(self)

    def forget(self) -> None:
        """Begin anew, as a forked child must: what is queued is its parent's."""
        self._changed = threading.Condition()
        self._queue: deque[_Ticket[Item, Result]] = deque()
        self._in_commit: list[_Ticket[Item, Result]] = []
        self._thread: threading.Thread | None = None
        self._is_closing = False

    def submit(self, item: Item, *, timeout_s: float) -> Result:
        """Return the item's result once it is committed, or raise its exception.

        Raises StillRunning after `timeout_s`.
        """
        ticket = self._enqueue(item, is_left=False)
        try:
            in_time = ticket.done.wait(timeout_s)
        except BaseException:
            if not self._leave(ticket):
                self._take_back(ticket)
            raise
        if not in_time and self._leave(ticket):
            self._hurry()
            raise StillRunning
        if isinstance(ticket.outcome, Exception):
            raise ticket.outcome
        return ticket.outcome  # type: ignore[return-value]  # set before `done` is

    def post(self, item: Item) -> None:
        """Have the item committed without waiting for it; for committers without `undo`."""
        self._enqueue(item, is_left=True)

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is committed, and end the thread; say whether it was in time.

        A later item starts it again.
        """
        give_up_s = time.monotonic() + timeout_s
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
            while (self._queue or self._in_commit or self._is_running()) and (
                left_s := give_up_s - time.monotonic()
            ) > 0:
                if self._queue and not self._is_running():
                    self._start()
                self._changed.wait(min(left_s, 1.0))
                self._hurry()
            self._is_closing = False
            return not (self._queue or self._in_commit)

    def _enqueue(self, item: Item, *, is_left: bool) -> _Ticket[Item, Result]:
        ticket: _Ticket[Item, Result] = _Ticket(item, is_left=is_left)
        with self._changed:
            self._queue.append(ticket)
            if not self._is_running():
                self._start()
            self._changed.notify()
        return ticket

    def _leave(self, ticket: _Ticket[Item, Result]) -> bool:
        """Stop waiting; say whether that was before the outcome came."""
        with self._changed:
            ticket.is_left = True
            return ticket.outcome is None

    def _take_back(self, ticket: _Ticket[Item, Result]) -> None:
        outcome = ticket.outcome
        if self._undo is not None and outcome is not None and not isinstance(outcome, Exception):
            self._undo(outcome)

    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                self._process(batch)
        finally:
            self._rest()
            with self._changed:
                self._thread = None
                if self._queue:
                    self._start()
                self._changed.notify_all()

    def _next_batch(self) -> list[_Ticket[Item, Result]]:
        """Wait for work and take it; nothing when the thread is to end."""
        has_rested = False
        while True:
            with self._changed:
                if not self._queue and not self._is_closing:
                    self._changed.wait(None if has_rested else LINGER_S)
                if self._queue:
                    size = min(MAX_BATCH, len(self._queue))
                    batch = [self._queue.popleft() for _ in range(size)]
                    self._in_commit = batch
                    return batch
                if self._is_closing:
                    return []
            if not has_rested:
                self._rest()
                has_rested = True

    def _process(self, batch: Sequence[_Ticket[Item, Result]]) -> None:
        wanted = [ticket for ticket in batch if self._undo is None or not ticket.is_left]
        outcomes: Sequence[Result | Exception]
        try:
            outcomes = self._commit([ticket.item for ticket in wanted]) if wanted else []
            if len(outcomes) != len(wanted):
                raise RuntimeError(f"{len(wanted)} items have {len(outcomes)} outcomes.")
        except Exception as error:
            logger.exception("A batch of %d was not committed.", len(wanted))
            outcomes = [error] * len(wanted)
        with self._changed:
            for ticket, outcome in zip(wanted, outcomes, strict=True):
                ticket.outcome = outcome
            left = [ticket for ticket in wanted if ticket.is_left]
            self._in_commit = []
            self._changed.notify_all()
        for ticket in wanted:
            ticket.done.set()
        for ticket in left:
            self._take_back(ticket)


def _forget_all() -> None:
    for group_commit in _all:
        group_commit.forget()


_all: weakref.WeakSet[GroupCommit[Any, Any]] = weakref.WeakSet()
os.register_at_fork(after_in_child=_forget_all)
