"""Health that all processes share: one Lua call books, claims and reads, on Redis's clock."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import orjson

from accounts.shared_redis import RedisAway, SharedRedis
from gateway.health import breaker, windows
from gateway.health.board import Windows
from gateway.health.breaker import Breaker
from gateway.health.events import Event, Note, events_of, tallies_of

_FIGURES = {
    breaker: (
        *("FAILURES_TO_OPEN", "ASKED_FOR_A_RATIO", "PROBES_TO_CLOSE", "PROBE_MS", "IDLE_MS"),
        *("FIRST_REST_MS", "LONGEST_REST_MS"),
        *("QUICK_REFUSALS", "FIRST_REFUSED_MS", "LONGEST_REFUSED_MS"),
    ),
    windows: ("BUCKET_MS", "BUCKETS", "TALLIED_BUCKETS"),
}
_LOCALS = "".join(
    f"local {name} = {getattr(module, name)}\n"
    for module, names in _FIGURES.items()
    for name in names
)
EXCHANGE = _LOCALS + Path(__file__).with_name("health.lua").read_text()
BREAKERS = "xr:health"


class HealthStoreAway(Exception):
    """Redis did not answer, or is being left alone since it did not."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What Redis knows at `now_ms`; `is_granted` says whether the probes that were wanted are taken."""

    now_ms: int
    is_granted: bool
    breakers: Mapping[str, Breaker]
    windows: Windows = field(default_factory=dict)


class RedisHealth:
    """The health as Redis knows it."""

    def __init__(self, url: str) -> None:
        self._redis = SharedRedis(url, without="health is this process's own")
        script = self._redis.client.register_script(EXCHANGE)
        self._exchange = cast(Callable[..., list[Any]], script)

    def exchange(
        self,
        notes: Iterable[Note] = (),
        *,
        wanted: Sequence[str] = (),
        token: str = "",
        held: Iterable[tuple[str, str]] = (),
        has_windows: bool = True,
        now_ms: int | None = None,
    ) -> Shared:
        """Book `notes`, prolong the probes `held`, take those `wanted`, and return all that is known.

        `now_ms` stands for Redis's clock. Raises HealthStoreAway.
        """
        added: dict[str, int] = {}
        events: list[Event] = []
        latest: dict[str, Event] = {}
        for note in notes:
            for part, figure, amount in tallies_of(note):
                name = f"{part}\t{figure}"
                added[name] = added.get(name, 0) + amount
            for event in events_of(note):
                # A second success in a row says what the first one said.
                if event.effect != "good" or event.probe or latest.get(event.part) != event:
                    events.append(event)
                latest[event.part] = event
        additions = [value for addition in added.items() for value in addition]
        arguments = [
            "" if now_ms is None else now_ms,
            orjson.dumps(additions),
            orjson.dumps([_row(event) for event in events]),
            orjson.dumps(list(wanted)),
            token,
            orjson.dumps(list(held)),
            int(has_windows),
        ]
        now, granted, states, windows = self._call(arguments)
        return Shared(
            now_ms=now,
            is_granted=granted == 1,
            breakers={
                part.decode(): Breaker(**orjson.loads(text))
                for part, text in zip(states[::2], states[1::2], strict=True)
            },
            windows={bucket: _figures(flat) for bucket, *flat in windows},
        )

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def is_first(self, name: str, life_s: int) -> bool:
        """Say whether nobody has asked with this name for `life_s`. Raises HealthStoreAway."""
        key = f"{BREAKERS}:first:{name}"
        try:
            with self._redis.reached():
                return bool(self._redis.client.set(key, 1, nx=True, ex=life_s))
        except RedisAway as error:
            raise HealthStoreAway from error

    def _call(self, arguments: list[Any]) -> list[Any]:
        try:
            with self._redis.reached():
                return self._exchange(keys=[BREAKERS], args=arguments)
        except RedisAway as error:
            raise HealthStoreAway from error


def _row(event: Event) -> tuple[str, str, str, str, int]:
    """Return an event as the script reads it."""
    return event.part, event.effect, event.route, event.probe, event.retry_after_ms


def _figures(flat: Sequence[Any]) -> dict[str, dict[str, int]]:
    """Read `part, tab, figure, amount, …`."""
    parts: dict[str, dict[str, int]] = {}
    for name, amount in zip(flat[::2], flat[1::2], strict=True):
        part, _, figure = name.decode().partition("\t")
        parts.setdefault(part, {})[figure] = int(amount)
    return parts
