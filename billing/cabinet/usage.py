"""/cabinet/usage/: what an account used, by day, model or key, in a chart, in a table, and as CSV."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypedDict
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.sessions import account_of
from billing.constants import NANO_PER_CREDIT
from billing.periods import moscow_day
from billing.usage_table import DEFAULT_DAYS, MOST_DAYS, NamedRow, csv_text, named_rows

PERIODS = (7, 30, 90)
MOST_LINES = 6
"""So many models or keys have a line of their own in the chart; the rest share one."""

_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)


class Chart(TypedDict):
    """What static/chart.js draws: `{"x": ["2026-11-01", …], "series": [{"label", "values"}]}`."""

    x: list[str]
    series: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: the sums of one day, model or key, or of all."""

    title: str
    requests: int
    errors: int
    tokens_prompt: int
    tokens_completion: int
    cost_nano: int

    @property
    def tokens(self) -> int:
        return self.tokens_prompt + self.tokens_completion


class PeriodForm(forms.Form):
    """Moscow's days, both included: the last `days`, or from `since` to `until`."""

    days = forms.TypedChoiceField(
        choices=[(days, days) for days in PERIODS], coerce=int, empty_value=None, required=False
    )
    since = forms.DateField(
        label=gettext_lazy("From"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label=gettext_lazy("To"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )
    group = forms.ChoiceField(
        label=gettext_lazy("Group"),
        choices=[
            ("day", gettext_lazy("by day")),
            ("model", gettext_lazy("by model")),
            ("key", gettext_lazy("by key")),
        ],
        required=False,
    )

    def clean_group(self) -> str:
        return str(self.cleaned_data["group"] or "day")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        until = cleaned.get("until") or moscow_day(timezone.now())
        days = cleaned.get("days") or DEFAULT_DAYS
        since = cleaned.get("since") or until - timedelta(days=days - 1)
        if not _FIRST_DAY <= since <= until <= _LAST_DAY:
            raise ValidationError({"since": _("The first day comes before the last one.")})
        if (until - since).days >= MOST_DAYS:
            text = _("A period is %(days)s days at most.") % {"days": MOST_DAYS}
            raise ValidationError({"since": text})
        return cleaned | {"since": since, "until": until}


@never_cache
@login_required
@require_safe
def usage(request: HttpRequest) -> HttpResponse:
    """Show the usage of a period, or send it as CSV."""
    form = PeriodForm(request.GET)
    asked = form if form.is_valid() else _valid(PeriodForm({}))
    since, until = asked.cleaned_data["since"], asked.cleaned_data["until"]
    rows = named_rows(account_of(request).pk, since, until)
    if request.GET.get("format") == "csv" and form.is_valid():
        return _table(rows, since, until)
    group = asked.cleaned_data["group"]
    known = {"group": group, "since": since.isoformat(), "until": until.isoformat()}
    context = {
        "form": form if form.errors else PeriodForm(known),
        "group": group,
        "since": since,
        "until": until,
        "lines": _lines(rows, group),
        "total": _line("", rows),
        "chart": _chart(rows, group, since, until),
        "periods": [
            (days, f"?{urlencode({'days': days, 'group': group})}", _is_last(days, since, until))
            for days in PERIODS
        ],
        "csv_query": f"?{urlencode(known | {'format': 'csv'})}",
    }
    return render(request, "cabinet/usage.html", context, status=422 if form.errors else 200)


def _valid(form: PeriodForm) -> PeriodForm:
    form.full_clean()
    return form


def _is_last(days: int, since: date, until: date) -> bool:
    return until == moscow_day(timezone.now()) and (until - since).days == days - 1


def _table(rows: Sequence[NamedRow], since: date, until: date) -> HttpResponse:
    response = HttpResponse(csv_text(rows), content_type="text/csv; charset=utf-8")
    name = f"usage-{since}-{until}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines(rows: Sequence[NamedRow], group: str) -> list[Line]:
    """Sum the rows up; days come newest first, models and keys with the dearest first."""
    lines = [_line(_title(found[0], group), found) for found in _grouped(rows, group)]
    if group == "day":
        return lines
    return sorted(lines, key=lambda line: (-line.cost_nano, -line.requests, line.title))


def _grouped(rows: Sequence[NamedRow], group: str) -> list[list[NamedRow]]:
    """Part the rows; keys by what they are, since two may have one name."""
    groups: dict[Hashable, list[NamedRow]] = {}
    for row in rows:
        used = row.used
        part = {"day": used.day, "model": used.model_id, "key": used.credential}[group]
        groups.setdefault(part, []).append(row)
    return list(groups.values())


def _title(row: NamedRow, group: str) -> str:
    match group:
        case "model":
            return row.used.model_id or ""
        case "key":
            return row.key
    return date_format(row.used.day, "j E Y") if row.used.day else ""


def _line(title: str, rows: Sequence[NamedRow]) -> Line:
    return Line(
        title,
        requests=sum(row.used.requests for row in rows),
        errors=sum(row.used.errors for row in rows),
        tokens_prompt=sum(row.used.tokens_prompt for row in rows),
        tokens_completion=sum(row.used.tokens_completion for row in rows),
        cost_nano=sum(row.used.cost_nano for row in rows),
    )


def _chart(rows: Sequence[NamedRow], group: str, since: date, until: date) -> Chart:
    """Return the roubles of each day: of all, or of each model or key."""
    days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    if group == "day":
        series = [_series(_("Spent"), rows, days)]
    else:
        groups = sorted(_grouped(rows, group), key=lambda found: -_line("", found).cost_nano)
        series = [_series(_title(found[0], group), found, days) for found in groups[:MOST_LINES]]
        if rest := [row for found in groups[MOST_LINES:] for row in found]:
            series.append(_series(_("Others"), rest, days))
    return {"x": [day.isoformat() for day in days], "series": series}


def _series(label: str, rows: Sequence[NamedRow], days: Sequence[date]) -> dict[str, Any]:
    costs = dict.fromkeys(days, 0)
    for row in rows:
        if row.used.day in costs:
            costs[row.used.day] += row.used.cost_nano
    return {"label": label, "values": [cost / NANO_PER_CREDIT for cost in costs.values()]}
