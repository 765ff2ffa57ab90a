"""The runs of this process: all there is without Redis, and what is gone by while Redis is away."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gateway.api.errors import IdempotencyMismatch
from gateway.api.retries.identity import Identity
from gateway.api.retries.run import Ended, Run, joined_by

KEPT_BYTES_MAX = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Kept:
    run: Run
    size: int
    expires_s: float


class MemoryRuns:
    """Running runs, and the answers of those that ended, in bounded memory. Thread safe.

    Where it is full, those go first that are kept for the shorter time, the oldest of them.
    """

    def __init__(
        self,
        *,
        kept_bytes_max: int = KEPT_BYTES_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept_bytes_max = kept_bytes_max
        self._clock = clock
        self._lock = threading.Lock()
        self._listed: dict[str, list[Run]] = {}
        self._kept: dict[int, OrderedDict[str, _Kept]] = {}
        self._kept_bytes = 0

    def add(self, run: Run) -> None:
        """List a run that begins."""
        with self._lock:
            self._listed.setdefault(run.identity.name, []).insert(0, run)

    def join_or_add(self, run: Run) -> Run | None:
        """Return the run that this one would repeat; None: it is listed now. Raises IdempotencyMismatch."""
        with self._lock:
            found = self._join(run.identity)
            if found is None:
                self._listed[run.identity.name] = [run]
            return found

    def join(self, identity: Identity) -> Run | None:
        """Return the run that a request repeats; None where there is none. Raises IdempotencyMismatch."""
        with self._lock:
            return self._join(identity)

    def get(self, name: str, run_id: str) -> Run | None:
        """Return a run of this process by its id."""
        with self._lock:
            return next((run for run in self._listed.get(name, ()) if run.id == run_id), None)

    def end(self, run: Run, ended: Ended | None) -> None:
        """Keep the answer of a run, or forget a run that failed or has none."""
        with self._lock:
            if ended is None or ended.is_failure:
                self._unlist(run)
            else:
                self._keep(run, len(ended.sealed))
        run.end(ended)

    def _join(self, identity: Identity) -> Run | None:
        self._expire()
        live = self._listed.get(identity.name, [])
        index = joined_by(identity.retry, [one.joined for one in live])
        if index is None:
            return None
        found = live[index]
        if found.identity.body != identity.body:
            raise IdempotencyMismatch
        found.joined = max(found.joined, identity.retry or 0)
        return found

    def _keep(self, run: Run, size: int) -> None:
        kept_s = run.identity.kept_s
        queue = self._kept.setdefault(kept_s, OrderedDict())
        queue[run.id] = _Kept(run, size, self._clock() + kept_s)
        self._kept_bytes += size
        self._expire()
        while self._kept_bytes > self._kept_bytes_max:
            shortest = min(life_s for life_s, kept in self._kept.items() if kept)
            self._forget_oldest(self._kept[shortest])

    def _expire(self) -> None:
        now_s = self._clock()
        for queue in self._kept.values():
            while queue and next(iter(queue.values())).expires_s <= now_s:
                self._forget_oldest(queue)

    def _forget_oldest(self, queue: OrderedDict[str, _Kept]) -> None:
        _, kept = queue.popitem(last=False)
        self._kept_bytes -= kept.size
        self._unlist(kept.run)

    def _unlist(self, run: Run) -> None:
        name = run.identity.name
        left = [one for one in self._listed.get(name, ()) if one is not run]
        if left:
            self._listed[name] = left
        else:
            self._listed.pop(name, None)
