"""The chart of usage: a bar for each day, or for each hour of a day, in the colours of models or keys."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.usage.usage_days import UsageRow
from billing.usage.usage_hours import HourRow
from infra.rouble_text import rounded_roubles
from web.cabinet.bar_chart import MOST_SERIES, BarChart, Column, bar_chart
from web.templatetags.durations import duration

Metric = Literal["cost", "requests", "tokens", "errors", "latency"]
HOURS = 24


def _whole(value: int) -> str:
    return number_format(value, decimal_pos=0, force_grouping=True)


@dataclass(frozen=True, slots=True)
class Figure:
    """What a chart can show of usage: its name, the number of a row, and that number in words."""

    label: str | Promise
    of: Callable[[UsageRow], int]
    write: Callable[[int], str]


FIGURES: Mapping[str, Figure] = {
    "cost": Figure(gettext_lazy("Roubles"), lambda used: used.cost_nano, rounded_roubles),
    "requests": Figure(gettext_lazy("Requests"), lambda used: used.requests, _whole),
    "tokens": Figure(
        gettext_lazy("Tokens"),
        lambda used: used.tokens_prompt + used.tokens_completion,
        _whole,
    ),
    "errors": Figure(gettext_lazy("Failed"), lambda used: used.errors, _whole),
}
LATENCY = gettext_lazy("Took")

Label = Callable[[UsageRow], tuple[object, str]]
"""Returns what a row belongs to and its name; two keys may share a name."""


def by_days(
    rows: Iterable[UsageRow], since: date, until: date, figure: Figure, label: Label
) -> BarChart:
    """Draw a bar for each day of a period, both ends included."""
    days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    cells = [(used.day, *label(used), figure.of(used)) for used in rows]
    heads = [
        (date_format(day, "j E Y"), date_format(day, "MONTH_DAY_FORMAT"), _requests_of(day))
        for day in days
    ]
    return _drawn(days, heads, cells, figure)


def by_hours(rows: Iterable[HourRow], day: date, figure: Figure, label: Label) -> BarChart:
    """Draw a bar for each hour of a day."""
    cells = [(row.hour, *label(row.used), figure.of(row.used)) for row in rows]
    return _drawn(range(HOURS), _hours(day), cells, figure)


def latency_by_hours(rows: Iterable[HourRow], day: date) -> BarChart:
    """Draw how long the requests of each hour took, on average."""
    took, timed = Counter[int](), Counter[int]()
    for row in rows:
        took[row.hour] += row.latency_ms
        timed[row.hour] += row.timed
    columns = [
        Column(*head, [took[hour] // (timed[hour] or 1)]) for hour, head in enumerate(_hours(day))
    ]
    chart = bar_chart(columns, [str(LATENCY)], duration)
    mean_ms = took.total() // (timed.total() or 1)
    text = _("%(duration)s on average") % {"duration": duration(mean_ms)}
    return BarChart(chart.bars, chart.ticks, chart.marks, [(1, str(LATENCY), text)], chart.width)


def _drawn(
    places: Sequence[object],
    heads: Sequence[tuple[str, str, str]],
    cells: Iterable[tuple[object, object, str, int]],
    figure: Figure,
) -> BarChart:
    """Draw cells of a place, what they belong to, its name and a number; the greatest have a colour.

    A head is a column's name, its mark and its address.
    """
    totals, labels = Counter[object](), dict[object, str]()
    values: dict[object, Counter[object]] = defaultdict(Counter)
    for place, part, label, value in cells:
        totals[part] += value
        labels[part] = label
        values[place][part] += value
    parts = [part for part, total in totals.most_common() if total]
    coloured = parts[: MOST_SERIES - 1]
    rest = parts[MOST_SERIES - 1 :]
    columns = [
        Column(
            *head,
            [values[place][part] for part in coloured]
            + ([sum(values[place][part] for part in rest)] if rest else []),
        )
        for place, head in zip(places, heads, strict=True)
    ]
    series = [labels[part] for part in coloured] + ([_("Others")] if rest else [])
    return bar_chart(columns, series, figure.write)


def _hours(day: date) -> list[tuple[str, str, str]]:
    return [(name := f"{hour:02}:00", name, _requests_of(day)) for hour in range(HOURS)]


def _requests_of(day: date) -> str:
    return f"{reverse('generations')}?{urlencode({'day': day.isoformat()})}"
