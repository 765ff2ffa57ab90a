"""Counts of the last minutes in buckets of time, and the figures computed from them. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.health.events import middle_ms

BUCKET_MS = 30_000
BUCKETS = 10
"""How many buckets a measurement looks back, the current one included."""
TALLIED_BUCKETS = 2
"""How many buckets the failure ratio of a breaker looks back."""

Figures = Mapping[str, int]
"""Figures of one part: `ok` and `bad` are requests; `s` and a number those streamed answers whose first
chunk fell into that bin, `st` their tokens, `sm` the milliseconds of these; `p…` the same of plain ones."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of a part. Times and speeds are None where nothing was measured.

    `first_token_ms` is the median of streamed answers, of plain ones where there were none.
    """

    asked: int = 0
    failed: int = 0
    first_token_ms: int | None = None
    tokens_per_s: float | None = None

    @property
    def success_rate(self) -> float | None:
        return 1 - self.failed / self.asked if self.asked else None


def bucket_of(now_ms: int) -> int:
    """Return the number of the bucket of a moment."""
    return now_ms // BUCKET_MS


def measured(buckets: Iterable[Figures]) -> Measured:
    """Compute the figures of a part from its buckets."""
    total: Counter[str] = Counter()
    for figures in buckets:
        total.update(figures)
    for how in ("s", "p"):
        bins = {
            int(name[1:]): count
            for name, count in total.items()
            if name[0] == how and name[1:].isdigit()
        }
        if bins:
            break
    spoken_ms = total[f"{how}m"]
    return Measured(
        asked=total["ok"] + total["bad"],
        failed=total["bad"],
        first_token_ms=_median_ms(bins) if bins else None,
        tokens_per_s=1000 * total[f"{how}t"] / spoken_ms if spoken_ms else None,
    )


def _median_ms(bins: Mapping[int, int]) -> int:
    half, seen = sum(bins.values()) / 2, 0
    for number in sorted(bins):
        seen += bins[number]
        if seen >= half:
            return middle_ms(number)
    raise AssertionError("Half of nothing was looked for.")
