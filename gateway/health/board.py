"""All breakers and windows as this process knows them: the truth where there is no Redis, else a copy."""

import time
from collections.abc import Mapping, Sequence

from gateway.health import breaker as breakers
from gateway.health.breaker import Breaker
from gateway.health.events import Note, events_of, tallies_of
from gateway.health.windows import (
    BUCKETS,
    TALLIED_BUCKETS,
    Figures,
    Measured,
    bucket_of,
    measured,
)

MEASURED_MS = 1000
"""How long a sum of windows is good for."""

Windows = dict[int, dict[str, dict[str, int]]]
"""Bucket → part → figure → amount."""


class Board:
    """Not thread safe but for its readers, who find each state whole. Times are those of `now_ms`."""

    def __init__(self) -> None:
        self._ahead_ms = 0
        self._breakers: dict[str, Breaker] = {}
        self._windows: Windows = {}
        self._measured: dict[str, tuple[int, Measured]] = {}

    def now_ms(self) -> int:
        """Return the time of the store: this process's own, until `load` sets it."""
        return time.monotonic_ns() // 1_000_000 + self._ahead_ms

    def breaker(self, part: str) -> Breaker:
        """Return a part's breaker; of one that nobody has touched for long, a new one."""
        found = self._breakers.get(part)
        return Breaker() if found is None or found.is_idle(self.now_ms()) else found

    def parts(self, prefix: str) -> list[str]:
        """Return the parts with a breaker whose names begin so."""
        now_ms = self.now_ms()
        return [
            part
            for part, one in list(self._breakers.items())
            if part.startswith(prefix) and not one.is_idle(now_ms)
        ]

    def measured(self, part: str) -> Measured:
        """Return what a part has done in the last minutes."""
        now_ms = self.now_ms()
        found = self._measured.get(part)
        if found is None or now_ms - found[0] >= MEASURED_MS:
            sums = measured(self._figures(part, BUCKETS))
            found = self._measured[part] = now_ms, sums
        return found[1]

    def apply(self, note: Note) -> None:
        """Book a note."""
        now_ms = self.now_ms()
        bucket = self._bucket(bucket_of(now_ms))
        for part, figure, amount in tallies_of(note):
            figures = bucket.setdefault(part, {})
            figures[figure] = figures.get(figure, 0) + amount
        for event in events_of(note):
            asked, failed = self._tally(event.part) if event.effect == "bad" else (0, 0)
            self._breakers[event.part] = breakers.after(
                self.breaker(event.part), event, now_ms, asked=asked, failed=failed
            )

    def claim(self, parts: Sequence[str], token: str) -> bool:
        """Take the probes of all these parts, or of none."""
        now_ms = self.now_ms()
        taken = {part: breakers.claimed(self.breaker(part), token, now_ms) for part in parts}
        granted = {part: one for part, one in taken.items() if one is not None}
        if len(granted) < len(parts):
            return False
        self._breakers |= granted
        return True

    def load(self, now_ms: int, states: Mapping[str, Breaker], windows: Windows | None) -> None:
        """Take over what a store knows; its clock too. Without `windows` keep those there are."""
        self._ahead_ms += now_ms - self.now_ms()
        self._breakers = dict(states)
        if windows is not None:
            self._windows = windows

    def _bucket(self, number: int) -> dict[str, dict[str, int]]:
        bucket = self._windows.get(number)
        if bucket is None:
            for old in [one for one in self._windows if not number - BUCKETS < one <= number]:
                del self._windows[old]
            bucket = self._windows[number] = {}
        return bucket

    def _figures(self, part: str, buckets: int) -> list[Figures]:
        """Return the figures of a part in the last buckets."""
        last = bucket_of(self.now_ms())
        found = (self._windows.get(last - age, {}).get(part) for age in range(buckets))
        return [figures for figures in found if figures]

    def _tally(self, part: str) -> tuple[int, int]:
        """Return how many requests there were of late, and how many of them failed."""
        figures = self._figures(part, TALLIED_BUCKETS)
        failed = sum(one.get("bad", 0) for one in figures)
        return failed + sum(one.get("ok", 0) for one in figures), failed
