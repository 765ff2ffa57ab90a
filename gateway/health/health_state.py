"""The state of health in memory: a breaker and windows of counts for each part, and how a note changes them."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from gateway.health import breaker as breakers
from gateway.health.breaker import Breaker
from gateway.health.events import Note, credential_part, events_of, route_part, tallies_of
from gateway.health.windows import (
    BUCKETS,
    TALLIED_BUCKETS,
    Figures,
    Measured,
    bucket_of,
    measured,
)

MEASURED_MS = 1000
"""How long a computed sum of windows is reused."""

NEW = Breaker()
"""What has not been used."""

Windows = dict[int, dict[str, dict[str, int]]]
"""Bucket → part → figure → amount."""


class HealthState:
    """Readers need no lock; writers do. All times are those of `now_ms`."""

    def __init__(
        self, clock_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000
    ) -> None:
        self._clock_ms = clock_ms
        self._ahead_ms = 0
        self._breakers: dict[str, Breaker] = {}
        self._found: dict[str, tuple[dict[str, Breaker], int, list[str]]] = {}
        self._windows: Windows = {}
        self._measured: dict[str, tuple[int, Measured]] = {}

    def now_ms(self) -> int:
        """Return the store's time; this process's own until `load` sets it."""
        return self._clock_ms() + self._ahead_ms

    def breaker(self, part: str) -> Breaker:
        """Return the breaker of a part; a new one where it was not used for IDLE_MS."""
        found = self._breakers.get(part)
        return NEW if found is None or found.is_idle(self.now_ms()) else found

    def breakers(self, prefix: str, now_ms: int) -> dict[str, Breaker]:
        """Return the breakers of the parts whose names begin with `prefix`."""
        known = self._breakers
        searched, size, parts = self._found.get(prefix, (None, 0, []))
        if searched is not known or size != len(
            known
        ):  # parts come, and go with all the others alone
            size = len(known)
            parts = [part for part in list(known) if part.startswith(prefix)]
            self._found[prefix] = known, size, parts
        return {part: breaker for part in parts if not (breaker := known[part]).is_idle(now_ms)}

    def measured(self, part: str) -> Measured:
        """Return the figures of a part over the last minutes, at most MEASURED_MS old."""
        now_ms = self.now_ms()
        found = self._measured.get(part)
        if found is None or now_ms - found[0] >= MEASURED_MS:
            sums = measured(self._figures(part, BUCKETS))
            found = self._measured[part] = now_ms, sums
        return found[1]

    def apply(self, note: Note) -> None:
        """Add a note to the windows, and apply it to its breakers."""
        bucket = self._bucket(bucket_of(self.now_ms()))
        parts, tallies = tallies_of(note)
        for part in parts:
            figures = bucket.setdefault(part, {})
            for figure, amount in tallies:
                figures[figure] = figures.get(figure, 0) + amount
        self.apply_to_breakers(note)

    def apply_to_breakers(self, note: Note) -> None:
        """Apply a note to its breakers alone: the windows contain it already."""
        now_ms = self.now_ms()
        if note.kind == "finished" and not note.probes and self._are_calm(note, now_ms):
            return
        for event in events_of(note):
            asked, failed = self._tally(event.part) if event.effect == "bad" else (0, 0)
            self._breakers[event.part] = breakers.after(
                self.breaker(event.part), event, now_ms, asked=asked, failed=failed
            )

    def _are_calm(self, note: Note, now_ms: int) -> bool:
        """Say whether a success changes nothing, as nearly always."""
        credential = self._breakers.get(credential_part(note.provider, note.credential), NEW)
        route = self._breakers.get(route_part(note.provider, note.upstream_id), NEW)
        return credential.is_calm(now_ms) and route.is_calm(now_ms)

    def claim(self, parts: Sequence[str], token: str) -> bool:
        """Take the probes of all these parts, or of none."""
        now_ms = self.now_ms()
        taken = {part: breakers.claimed(self.breaker(part), token, now_ms) for part in parts}
        granted = {part: breaker for part, breaker in taken.items() if breaker is not None}
        if len(granted) < len(parts):
            return False
        self._breakers |= granted
        return True

    def renew(self, probes: Iterable[tuple[str, str]]) -> None:
        """Prolong the leases of probes, given as part and token, where they are still that token's."""
        now_ms = self.now_ms()
        for part, token in probes:
            found = self.breaker(part)
            if found.probe == token:
                self._breakers[part] = breakers.renewed(found, now_ms)

    def load(self, now_ms: int, states: Mapping[str, Breaker], windows: Windows) -> None:
        """Replace everything by what a store returned, and follow its clock."""
        self._ahead_ms += now_ms - self.now_ms()
        self._breakers = dict(states)
        self._windows = windows

    def changed(self, since: Mapping[str, Breaker]) -> dict[str, Breaker]:
        """Return the breakers that differ from those of an earlier moment."""
        return {
            part: breaker for part, breaker in self._breakers.items() if breaker != since.get(part)
        }

    def _bucket(self, number: int) -> dict[str, dict[str, int]]:
        bucket = self._windows.get(number)
        if bucket is None:
            for old in [found for found in self._windows if not number - BUCKETS < found <= number]:
                del self._windows[old]
            bucket = self._windows[number] = {}
        return bucket

    def _figures(self, part: str, buckets: int) -> list[Figures]:
        """Return the figures of a part in the last buckets."""
        last = bucket_of(self.now_ms())
        found = (self._windows.get(last - age, {}).get(part) for age in range(buckets))
        return [figures for figures in found if figures]

    def _tally(self, part: str) -> tuple[int, int]:
        """Return how many requests the last TALLIED_BUCKETS had, and how many of them failed."""
        figures = self._figures(part, TALLIED_BUCKETS)
        failed = sum(bucket.get("bad", 0) for bucket in figures)
        return failed + sum(bucket.get("ok", 0) for bucket in figures), failed
