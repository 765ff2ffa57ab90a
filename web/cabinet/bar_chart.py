"""Charts of stacked bars, drawn on the server: whole numbers for an SVG, and the words beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

MOST_SERIES = 7
"""How many colours there are; the last is that of what has no colour of its own."""
BAR, GAP = 8, 2
HEIGHT = 1000
LEAST_BARS = 7
"""A chart of fewer days leaves the rest of its width empty: one bar is not a wall."""
MOST_TICKS = 4


@dataclass(frozen=True, slots=True)
class Column:
    """What one bar shows: its name, the page that it leads to, and a whole number for each series.

    `mark` is a shorter name, for below the chart.
    """

    label: str
    mark: str
    address: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar in the colour of its series, which are numbered from 1; `y` is its upper end."""

    series: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar; `title` has a line for its name, for each series that is not zero, and for the sum."""

    x: int
    title: str
    address: str
    segments: Sequence[Segment]


@dataclass(frozen=True, slots=True)
class BarChart:
    """A drawn chart: `ticks` from the top down to zero, `legend` with each series' number and sum."""

    bars: Sequence[Bar]
    ticks: Sequence[str]
    marks: Sequence[str]
    legend: Sequence[tuple[int, str, str]]
    width: int
    height: int = HEIGHT
    bar: int = BAR


def bar_chart(
    columns: Sequence[Column], series: Sequence[str], write: Callable[[int], str]
) -> BarChart:
    """Draw the columns, the oldest first; `write` puts a number into words.

    There are MOST_SERIES series at most.
    """
    sums = [sum(column.values) for column in columns]
    step = _step(max(sums, default=0))
    count = max(1, -(-max(sums, default=0) // step))
    top = step * count
    return BarChart(
        bars=[
            Bar(
                x=number * (BAR + GAP) + GAP // 2,
                title=_title(column, series, write),
                address=column.address,
                segments=_segments(column.values, top),
            )
            for number, column in enumerate(columns)
        ],
        ticks=[write(step * tick) for tick in range(count, -1, -1)],
        marks=_marks([column.mark for column in columns]),
        legend=[
            (number + 1, label, write(sum(column.values[number] for column in columns)))
            for number, label in enumerate(series)
        ],
        width=max(len(columns), LEAST_BARS) * (BAR + GAP),
    )


def _step(greatest: int) -> int:
    """Return the distance of the ticks: 1, 2 or 5 with zeros behind."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power * MOST_TICKS >= greatest:
                return digit * power
        power *= 10


def _segments(values: Sequence[int], top: int) -> list[Segment]:
    ends = [HEIGHT * end // top for end in accumulate(values, initial=0)]
    return [
        Segment(number, HEIGHT - upper, upper - lower)
        for number, (lower, upper) in enumerate(pairwise(ends), start=1)
        if upper > lower
    ]


def _title(column: Column, series: Sequence[str], write: Callable[[int], str]) -> str:
    lines = [
        f"{label}: {write(value)}"
        for label, value in zip(series, column.values, strict=True)
        if value
    ]
    if len(lines) != 1:
        lines.append(f"Σ {write(sum(column.values))}")
    return "\n".join([column.label, *lines])


def _marks(marks: Sequence[str]) -> Sequence[str]:
    """Return what stands below a chart: the first, the middle and the last mark; of few bars the first."""
    if len(marks) < LEAST_BARS:
        return marks[:1]
    return [marks[0], marks[len(marks) // 2], marks[-1]]
