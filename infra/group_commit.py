"""Group commit: a thread commits in one batch what was queued while it committed the last one.

An item that comes alone is committed at once. Only when items come in company does the thread let a
moment pass between two batches, so that under load the batches grow and not the number of them. Under
gevent the moment ends as soon as nothing else of the process can run: nobody is left who could come.
"""

import logging
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import gevent
import gevent.monkey

from infra.short_lock import ShortLock

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_BATCH = 256
LINGER_S = 0.05
"""How long the thread keeps what `rest` gives back, in case more comes."""
GATHER_S = 0.005
"""How long at most a batch gathers company when the one before it had some."""

logger = logging.getLogger(__name__)


class StillRunning(Exception):
    """The waiter timed out. The item is committed or undone without it."""


class QueueStalled(Exception):
    """The queue has not moved for too long: the item was not taken into it."""


class _Ticket(Generic[Item, Result]):
    """A queued item and its outcome; `is_left` when nobody waits for it any more."""

    __slots__ = ("done", "is_left", "item", "outcome", "queued_s")

    def __init__(self, item: Item, *, is_left: bool) -> None:
        self.item = item
        self.outcome: Result | Exception | None = None
        self.is_left = is_left
        self.queued_s = time.monotonic()
        self.done = threading.Event()


class GroupCommit(Generic[Item, Result]):
    """Commits items in batches, each in the order of arrival, on a thread of its own.

    `commit` returns an outcome for every item: its result, or the exception that its waiter gets.
    With `undo`, an item whose waiter left is skipped, or undone if already committed; without, it is
    committed anyway. `rest` is called on the thread when the queue has been empty for `linger_s`, `hurry`
    by a waiter that timed out. With `stalled_s`, nothing is taken in while an item has waited longer
    than that for its batch to begin: one more would only wait in vain.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        *,
        name: str,
        undo: Callable[[Result], None] | None = None,
        rest: Callable[[], None] = lambda: None,
        hurry: Callable[[], None] = lambda: None,
        linger_s: float = LINGER_S,
        stalled_s: float = math.inf,
    ) -> None:
        self._linger_s = linger_s
        self._stalled_s = stalled_s
        self._commit = commit
        self._name = name
        self._undo = undo
        self._rest = rest
        self._hurry = hurry
        self.reset()
        _all.add(self)

    def reset(self) -> None:
        """Begin anew, as a forked child must: what is queued is its parent's."""
        self._lock = ShortLock()  # reentrant: a collected generator may post within
        self._start_lock = threading.RLock()
        self._asleep = threading.Lock()  # released to wake the idle thread
        self._asleep.acquire()
        self._queue: deque[_Ticket[Item, Result]] = deque()
        self._in_commit: list[_Ticket[Item, Result]] = []
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self._is_idle = False

    def submit(self, item: Item, *, timeout_s: float) -> Result:
        """Return the item's result once it is committed, or raise its exception.

        Raises StillRunning after `timeout_s`, QueueStalled at once.
        """
        ticket = self._enqueue(item, is_left=False)
        try:
            if self._thread is None:
                self._ensure_running()
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
        if self._thread is None:
            self._ensure_running()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is committed, and end the thread; say whether it was in time.

        A later item starts it again.
        """
        give_up_s = time.monotonic() + timeout_s
        with self._lock:
            self._is_closing = True
            self._wake()
        while self._queue or self._in_commit or self._thread:
            if (left_s := give_up_s - time.monotonic()) <= 0:
                break
            self._ensure_running().join(min(left_s, 1.0))
            self._hurry()
        with self._lock:
            self._is_closing = False
            return not (self._queue or self._in_commit)

    @property
    def lag_s(self) -> float:
        """For how long the oldest item has waited to be committed; 0 when there is none."""
        with self._lock:
            oldest = next(iter(self._in_commit or self._queue), None)
        return 0.0 if oldest is None else time.monotonic() - oldest.queued_s

    def _enqueue(self, item: Item, *, is_left: bool) -> _Ticket[Item, Result]:
        ticket: _Ticket[Item, Result] = _Ticket(item, is_left=is_left)
        with self._lock:
            if not is_left and self._is_stalled(ticket.queued_s):
                raise QueueStalled
            self._queue.append(ticket)
            self._wake()
        return ticket

    def _wake(self) -> None:
        """Wake the thread if it is idle. The lock is held."""
        if self._is_idle:
            self._is_idle = False
            self._asleep.release()

    def _is_stalled(self, now_s: float) -> bool:
        return bool(self._queue) and now_s - self._queue[0].queued_s > self._stalled_s

    def _leave(self, ticket: _Ticket[Item, Result]) -> bool:
        """Stop waiting; say whether that was before the outcome came."""
        with self._lock:
            ticket.is_left = True
            return ticket.outcome is None

    def _take_back(self, ticket: _Ticket[Item, Result]) -> None:
        outcome = ticket.outcome
        if self._undo is not None and outcome is not None and not isinstance(outcome, Exception):
            self._undo(outcome)

    def _ensure_running(self) -> threading.Thread:
        with self._start_lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            return self._thread

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                self._process(batch)
                if len(batch) > max(1, len(self._queue)) and not self._is_closing:
                    _gather()
        finally:
            try:
                self._rest()
            finally:
                with self._lock:
                    self._thread = None
                    self._is_idle = False
                if self._queue:
                    self._ensure_running()

    def _next_batch(self) -> list[_Ticket[Item, Result]]:
        """Wait for work and take it; nothing when the thread is to end."""
        has_rested = False
        while True:
            with self._lock:
                if self._queue:
                    size = min(MAX_BATCH, len(self._queue))
                    batch = [self._queue.popleft() for _ in range(size)]
                    self._in_commit = batch
                    return batch
                if self._is_closing:
                    return []
                self._is_idle = True
            if self._asleep.acquire(timeout=-1 if has_rested else self._linger_s):
                continue
            with self._lock:
                was_idle, self._is_idle = self._is_idle, False
            if was_idle:
                self._rest()
                has_rested = True
            else:
                self._asleep.acquire()  # it was woken as its time ended

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
        with self._lock:
            for ticket, outcome in zip(wanted, outcomes, strict=True):
                ticket.outcome = outcome
            left = [ticket for ticket in wanted if ticket.is_left]
            self._in_commit = []
        for ticket in wanted:
            ticket.done.set()
        for ticket in left:
            self._take_back(ticket)


def _gather() -> None:
    if gevent.monkey.is_module_patched("time"):
        gevent.with_timeout(GATHER_S, gevent.idle, timeout_value=None)
    else:
        time.sleep(GATHER_S)


def _forget_all() -> None:
    for group_commit in _all:
        group_commit.reset()


_all: weakref.WeakSet[GroupCommit[Any, Any]] = weakref.WeakSet()
os.register_at_fork(after_in_child=_forget_all)
