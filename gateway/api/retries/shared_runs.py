"""The runs of all processes, in Redis: a list of ids for each name, a value for each run, each process's lease.

A value is a letter (R runs, A answered, F failed), the process, the body's digest, then the sealed answer.
"""

import contextlib
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from redis.client import Pipeline

from gateway.api.errors import IdempotencyMismatch
from gateway.api.retries.identity import Identity
from gateway.api.retries.run import Ended, Run, RunLost, joined_by
from infra.background import Background
from infra.redis import RedisAway, SharedRedis

LEASE_S = 20.0
"""How long after its death a process still counts as running what it ran."""
RENEW_S = 4.0
WRITE_PAUSE_S = 0.05
"""The least time between two writes of what began and ended; a run is found by others this much later."""
FAILURE_KEPT_S = 30
"""For those who joined the run and have not looked yet."""
RUNNING_MAX_S = 3600
"""No request runs so long."""
LISTED_MAX = 100
UNWRITTEN_MAX = 256
"""How many runs wait for a Redis that is away; the oldest are then known in this process alone."""

PREFIX = "xr:retries"
_RUNS, _ANSWERED, _FAILED = b"R", b"A", b"F"
_ID_CHARACTERS = 32
_HEAD_BYTES = 1 + 2 * _ID_CHARACTERS


@dataclass(frozen=True, slots=True)
class _Listed:
    """An element of a name's list: `ID:JOINED`, the newest first."""

    run_id: str
    joined: int

    @classmethod
    def of(cls, element: bytes) -> "_Listed":
        run_id, _, joined = element.decode().partition(":")
        return cls(run_id, int(joined))

    def __str__(self) -> str:
        return f"{self.run_id}:{self.joined}"


@dataclass(frozen=True, slots=True)
class _RunHead:
    """What a run's value begins with."""

    letter: bytes
    process: str
    body: str

    @classmethod
    def of(cls, value: bytes) -> "_RunHead":
        text = value[1:_HEAD_BYTES].decode()
        return cls(value[:1], text[:_ID_CHARACTERS], text[_ID_CHARACTERS:])


class SharedRuns:
    """Writes how the runs of this process stand, and finds those of all."""

    def __init__(self, url: str, *, lease_s: float = LEASE_S) -> None:
        self._redis = SharedRedis(url)
        self._client = self._redis.client
        self._lease_s = lease_s
        self._process = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._running: set[str] = set()
        self._listed: set[str] = set()
        self._unwritten: dict[str, Run] = {}
        self._background = Background(
            "retries", self._write_all, every_s=self._wait_s, pause_s=WRITE_PAUSE_S
        )

    def note(self, run: Run) -> None:
        """Have it written that the run began or ended: soon, but at once that nobody may join it any more."""
        with self._lock:
            self._unwritten[run.id] = run
            if run.is_lost or run.ended:
                self._running.discard(run.id)
            else:
                self._running.add(run.id)
        self._background.ensure_running()
        if not _is_joinable(run) and self._is_listed(run):
            self._write_all()
        else:
            self._background.wake()

    def join(self, identity: Identity) -> str | None:
        """Return the id of the run that a request joins; None where there is none.

        Raises IdempotencyMismatch and RedisAway.
        """
        return self._join(identity, None)

    def join_or_begin(self, run: Run) -> str | None:
        """Return the id of the run that this one would repeat; None: it has begun.

        Raises IdempotencyMismatch and RedisAway.
        """
        found = self._join(run.identity, run)
        if found is None:
            with self._lock:
                self._running.add(run.id)
                self._listed.add(run.id)
            self._background.ensure_running()
            self._background.wake()
        return found

    def outcome(self, name: str, run_id: str) -> Ended | None:
        """Return how a run of any process ended; None while it goes on. Raises RunLost and RedisAway."""
        with self._redis.reached():
            value = cast(bytes | None, self._client.get(_run_key(name, run_id)))
            if value is None:
                raise RunLost
            head = _RunHead.of(value)
            if head.letter == _RUNS:
                if not self._client.exists(_process_key(head.process)):
                    raise RunLost
                return None
        return Ended(value[_HEAD_BYTES:], is_failure=head.letter == _FAILED)

    def close(self) -> None:
        """Write what is left to write, give the lease up and close the connections."""
        self._background.stop()
        self._write_all()
        with contextlib.suppress(RedisAway), self._redis.reached():
            self._client.delete(_process_key(self._process))
        self._redis.close()

    def _join(self, identity: Identity, beginning: Run | None) -> str | None:
        key = _list_key(identity.name)

        def attempt(pipeline: Pipeline) -> str | None:
            elements = cast(list[bytes], pipeline.lrange(key, 0, -1))
            listed = [_Listed.of(element) for element in elements]
            live, lost = self._live_and_lost(identity.name, listed)
            index = joined_by(identity.retry, [listed[place].joined for place in live])
            pipeline.multi()
            if index is None:
                if beginning is not None:
                    beginning.replaces = lost
                    self._renew_lease(pipeline)
                    self._list(pipeline, beginning)
                    self._write(pipeline, beginning)
                return None
            place = list(live)[index]
            found = listed[place]
            if live[place] != identity.body:
                raise IdempotencyMismatch
            if identity.retry is not None and identity.retry > found.joined:
                pipeline.lset(key, place, str(_Listed(found.run_id, identity.retry)))
            return found.run_id

        with self._redis.reached():
            transaction = cast(Callable[..., str | None], self._client.transaction)
            return transaction(attempt, key, value_from_callable=True)

    def _live_and_lost(
        self, name: str, listed: Sequence[_Listed]
    ) -> tuple[dict[int, str], list[str]]:
        """Return the bodies of those runs that can be joined, by their place, and the ids of the dead's."""
        pipeline = self._client.pipeline(transaction=False)
        for one in listed:
            pipeline.getrange(_run_key(name, one.run_id), 0, _HEAD_BYTES - 1)
        heads = {
            place: _RunHead.of(value) for place, value in enumerate(pipeline.execute()) if value
        }
        running = sorted({head.process for head in heads.values() if head.letter == _RUNS})
        for process in running:
            pipeline.exists(_process_key(process))
        alive = {
            process for process, there in zip(running, pipeline.execute(), strict=True) if there
        }
        lost = [
            place
            for place, head in heads.items()
            if head.letter == _RUNS and head.process not in alive
        ]
        live = {
            place: head.body
            for place, head in heads.items()
            if head.letter != _FAILED and place not in lost
        }
        return live, [listed[place].run_id for place in lost]

    def _is_listed(self, run: Run) -> bool:
        with self._writing:  # a write under way may be listing it
            return run.id in self._listed

    def _write_all(self) -> None:
        """Write what began and what ended since the last time, and renew the lease."""
        with self._writing:
            self._write_unwritten()

    def _write_unwritten(self) -> None:
        with self._lock:
            unwritten, self._unwritten = self._unwritten, {}
            is_running = bool(self._running)
        if not unwritten and not is_running:
            return
        ended = {run_id for run_id, run in unwritten.items() if run.is_lost or run.ended}
        try:
            with self._redis.reached():
                pipeline = self._client.pipeline(transaction=True)
                self._renew_lease(pipeline)
                for run in unwritten.values():
                    if run.id not in self._listed:
                        if not _is_joinable(run):
                            continue  # nobody elsewhere knows it
                        self._list(pipeline, run)
                    self._write(pipeline, run)
                pipeline.execute()
        except RedisAway:
            self._put_back(unwritten)
            return
        with self._lock:  # what ended meanwhile was noted once more
            self._listed |= unwritten.keys() - ended
            self._listed -= ended

    def _put_back(self, unwritten: dict[str, Run]) -> None:
        with self._lock:
            self._unwritten = unwritten | self._unwritten
            for run_id in list(self._unwritten)[:-UNWRITTEN_MAX]:
                del self._unwritten[run_id]
                self._listed.discard(run_id)

    def _renew_lease(self, pipeline: Pipeline) -> None:
        pipeline.set(_process_key(self._process), 1, px=int(self._lease_s * 1000))

    def _list(self, pipeline: Pipeline, run: Run) -> None:
        key = _list_key(run.identity.name)
        pipeline.lpush(key, str(_Listed(run.id, run.joined)))
        pipeline.ltrim(key, 0, LISTED_MAX - 1)
        pipeline.expire(key, _listed_s(run.identity))

    def _write(self, pipeline: Pipeline, run: Run) -> None:
        key = _run_key(run.identity.name, run.id)
        ended = run.ended
        if run.is_lost:
            pipeline.delete(key)
            return
        head = (self._process + run.identity.body).encode()
        if ended is None:
            pipeline.set(key, _RUNS + head, ex=_listed_s(run.identity))
        elif ended.is_failure:
            pipeline.set(key, _FAILED + head + ended.sealed, ex=FAILURE_KEPT_S)
        else:
            pipeline.set(key, _ANSWERED + head + ended.sealed, ex=run.identity.kept_s)

    def _wait_s(self) -> float | None:
        if self._unwritten:
            return 1.0
        return RENEW_S if self._running else None


def _is_joinable(run: Run) -> bool:
    return not run.is_lost and (run.ended is None or not run.ended.is_failure)


def _listed_s(identity: Identity) -> int:
    """Return for how long a run is known that does not end: its retry may come as late as another."""
    return max(RUNNING_MAX_S, identity.kept_s)


def _list_key(name: str) -> str:
    return f"{PREFIX}:{name}"


def _run_key(name: str, run_id: str) -> str:
    return f"{PREFIX}:{name}:{run_id}"


def _process_key(process: str) -> str:
    return f"{PREFIX}:process:{process}"
