"""Share health between processes: Redis holds the counts, the breakers, the clock, and a lock for writers.

New breakers are computed here, not in Redis. Most requests change none, so one round trip counts them
and reads everything. Otherwise the breakers are read again under the lock and written back. The lock
expires with a process that died, and a writer whose lock has expired writes nothing and starts again.
"""

import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import orjson

from gateway.health.breaker import IDLE_MS, Breaker
from gateway.health.events import Note, tallies_of
from gateway.health.health_state import HealthState, Windows
from gateway.health.windows import BUCKET_MS, BUCKETS
from infra.redis import RedisAway, SharedRedis

BREAKERS = "xr:health"
LOCK_MS = 300
"""When the lock expires; its holder needs it for two round trips."""
LOCK_WAIT_S = 2.0
LOCK_POLL_S = 0.005
EXCHANGE = (
    f"local IDLE_MS, BUCKET_MS, BUCKETS = {IDLE_MS}, {BUCKET_MS}, {BUCKETS}\n"
    f"local LOCK_MS = {LOCK_MS}\n"
) + Path(__file__).with_name("health.lua").read_text()


class HealthStoreAway(Exception):
    """Redis did not answer, or is not asked for a moment because it did not."""


@dataclass(frozen=True, slots=True)
class Shared:
    """The contents of Redis at `now_ms`; `is_granted`: whether the caller got the probes it wanted."""

    now_ms: int
    is_granted: bool
    breakers: Mapping[str, Breaker]
    windows: Windows


class RedisHealth:
    """The client of health.lua."""

    def __init__(self, url: str) -> None:
        self._redis = SharedRedis(url)
        script = self._redis.client.register_script(EXCHANGE)
        self._script = cast(Callable[..., list[Any]], script)

    def exchange(
        self,
        notes: Sequence[Note] = (),
        *,
        wanted: Sequence[str] = (),
        token: str = "",
        held: Sequence[tuple[str, str]] = (),
        now_ms: int | None = None,
    ) -> Shared:
        """Apply `notes`, prolong the probes `held`, claim the probes `wanted`, and return the result.

        Probes are given as parts, all claimed or none; `held` has their tokens too. `now_ms` replaces
        Redis's clock. One round trip where no breaker changes, three where one does. Raises HealthStoreAway.
        """
        additions: Counter[str] = Counter()
        for note in notes:
            parts, tallies = tallies_of(note)
            for part in parts:
                for figure, amount in tallies:
                    additions[f"{part}\t{figure}"] += amount
        change = partial(_changed, notes=notes, wanted=wanted, token=token, held=held)
        shared, _ = self._call(now_ms, additions)
        breakers, is_granted = change(shared)
        if not breakers:
            return replace(shared, is_granted=is_granted)
        writer = uuid.uuid4().hex
        give_up_s = time.monotonic() + LOCK_WAIT_S
        while time.monotonic() < give_up_s:
            shared, has_lock = self._call(now_ms, writer=writer)
            if has_lock:
                breakers, is_granted = change(shared)
                shared, has_lock = self._call(now_ms, writer=writer, breakers=breakers)
            if has_lock:
                return replace(shared, is_granted=is_granted)
            time.sleep(random.uniform(0, 2 * LOCK_POLL_S))  # noqa: S311 -- no secret
        raise HealthStoreAway

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _call(
        self,
        now_ms: int | None,
        additions: Mapping[str, int] | None = None,
        *,
        writer: str = "",
        breakers: Mapping[str, Breaker] | None = None,
    ) -> tuple[Shared, bool]:
        """Count and read; for a `writer` take the lock, or with `breakers` write them and release it.

        Returns also whether the writer had the lock.
        """
        arguments = [
            "" if now_ms is None else now_ms,
            orjson.dumps(_flat(additions or {})),
            writer,
            "" if breakers is None else orjson.dumps(_flat(breakers)),
        ]
        try:
            with self._redis.reached():
                now, has_lock, states, windows = self._script(keys=[BREAKERS], args=arguments)
        except RedisAway as error:
            raise HealthStoreAway from error
        found = Shared(
            now_ms=now,
            is_granted=False,
            breakers={
                part.decode(): Breaker(**orjson.loads(text))
                for part, text in zip(states[::2], states[1::2], strict=True)
            },
            windows={bucket: _figures(flat) for bucket, *flat in windows},
        )
        return found, has_lock == 1


def _changed(
    shared: Shared,
    *,
    notes: Sequence[Note],
    wanted: Sequence[str],
    token: str,
    held: Sequence[tuple[str, str]],
) -> tuple[dict[str, Breaker], bool]:
    """Return the breakers that change, and whether the probes `wanted` are claimed."""
    state = HealthState(clock_ms=lambda: shared.now_ms)
    state.load(shared.now_ms, shared.breakers, shared.windows)
    for note in notes:
        state.apply_to_breakers(note)
    state.renew(held)
    is_granted = state.claim(wanted, token)
    return state.changed(shared.breakers), is_granted


def _flat(values: Mapping[str, Any]) -> list[Any]:
    """Return name, value, …; a breaker as JSON."""
    return [
        orjson.dumps(item).decode() if isinstance(item, Breaker) else item
        for pair in values.items()
        for item in pair
    ]


def _figures(flat: Sequence[Any]) -> dict[str, dict[str, int]]:
    """Read `part, tab, figure, amount, …`."""
    parts: dict[str, dict[str, int]] = {}
    for name, amount in zip(flat[::2], flat[1::2], strict=True):
        part, _, figure = name.decode().partition("\t")
        parts.setdefault(part, {})[figure] = int(amount)
    return parts
