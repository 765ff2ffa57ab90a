"""Every run that a request may repeat: those of this process, and by Redis those of the others."""

import atexit
import functools
import os
import time
from collections.abc import Callable
from typing import Protocol

from django.conf import settings

from gateway.api.retries.memory_runs import MemoryRuns
from gateway.api.retries.run import Ended, Run, RunLost
from gateway.api.retries.shared_runs import WRITE_PAUSE_S, SharedRuns
from infra.redis import RedisAway

AWAY_MAX_S = 10.0
"""How long Redis may be away before a run of another process counts as lost."""


class JoinedRun(Protocol):
    """A run that somebody else began."""

    def outcome(self) -> Ended | None:
        """Return how the run ended; None while it goes on. Raises RunLost."""

    def on_end(self, wake: Callable[[], object]) -> None:
        """Call `wake` when the run ends, where this process can tell."""


class DistantRun:
    """A run of another process: only asking tells how it stands."""

    def __init__(self, shared: SharedRuns, name: str, run_id: str) -> None:
        self._shared = shared
        self._name = name
        self._id = run_id
        self._answered_s = time.monotonic()

    def outcome(self) -> Ended | None:
        """Ask Redis. Raises RunLost, also when Redis has been away for AWAY_MAX_S."""
        try:
            ended = self._shared.outcome(self._name, self._id)
        except RedisAway:
            if time.monotonic() > self._answered_s + AWAY_MAX_S:
                raise RunLost from None
            return None
        self._answered_s = time.monotonic()
        return ended

    def on_end(self, wake: Callable[[], object]) -> None:
        """Nothing tells this process."""


class Runs:
    """Where a request finds the run it repeats, or becomes one that others find."""

    def __init__(self, redis_url: str) -> None:
        self._here = MemoryRuns()
        self._shared = SharedRuns(redis_url) if redis_url else None

    def begin(self, run: Run) -> None:
        """Begin a run that repeats none. Redis is told in the background."""
        self._here.add(run)
        if self._shared is not None:
            self._shared.note(run)

    def join_or_begin(self, run: Run) -> JoinedRun | None:
        """Return the run that this one would repeat; None: it has begun. Raises IdempotencyMismatch."""
        if self._shared is not None:
            try:
                return self._join_or_begin(self._shared, run)
            except RedisAway:
                pass
        found = self._here.join_or_add(run)
        if found is not None:
            return found
        if self._shared is not None:
            self._shared.note(run)
        return None

    def end(self, run: Run, ended: Ended | None) -> None:
        """Say how a run of one's own ended, None: without an answer."""
        self._here.end(run, ended)
        if self._shared is not None:
            self._shared.note(run)

    def close(self) -> None:
        """Tell Redis of what ended a moment ago, and leave it."""
        if self._shared is not None:
            self._shared.close()

    def _join_or_begin(self, shared: SharedRuns, run: Run) -> JoinedRun | None:
        name = run.identity.name
        found = None
        if run.identity.retry is not None:
            found = shared.join(run.identity)
            if found is None:
                time.sleep(2 * WRITE_PAUSE_S)  # by now Redis has been told of what began elsewhere
        if found is None:
            here = self._here.join(run.identity)  # Redis may have lost its data
            if here is not None:
                return here
            found = shared.join_or_begin(run)
        if found is None:
            self._here.add(run)
            return None
        return self._here.get(name, found) or DistantRun(shared, name, found)


def current_runs() -> Runs:
    """Return the runs that this process knows; a forked process begins with none."""
    return _runs(settings.REDIS_URL, os.getpid())


@functools.lru_cache(maxsize=4)
def _runs(redis_url: str, process_id: int) -> Runs:
    runs = Runs(redis_url)
    atexit.register(runs.close)
    return runs
