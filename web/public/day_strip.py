"""Ninety days as a strip of bars, each in the colour of its answered requests."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils import timezone

from gateway.health.history import KEPT_DAYS
from gateway.health.status import WELL

DOWN_PERCENT = 50
"""A day with fewer answered requests is shown as one on which nothing answered."""

Level = Literal["none", "good", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What came of the requests of a period; None where there were none."""

    success_percent: float | None = None
    first_token_ms: int | None = None


@dataclass(frozen=True, slots=True)
class StatusDay:
    """A day in a strip of ninety, `x` bars from the left; `level` is the word of its colour."""

    x: int
    day: dt.date
    cell: Cell

    @property
    def level(self) -> Level:
        percent = self.cell.success_percent
        if percent is None:
            return "none"
        return "good" if percent >= 100 * WELL else "bad" if percent < DOWN_PERCENT else "warn"


def strip(cells: Mapping[dt.date, Cell]) -> Sequence[StatusDay]:
    """Return the bars, the oldest day first; days without requests included."""
    today = timezone.localdate()
    shown = [today - dt.timedelta(days=KEPT_DAYS - 1 - x) for x in range(KEPT_DAYS)]
    return [StatusDay(x, day, cells.get(day, Cell())) for x, day in enumerate(shown)]
