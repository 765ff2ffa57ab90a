"""/cabinet/usage/: an account's usage by day, model or key: a chart, a table and CSV."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.keys.labels import credential_labels
from accounts.signin.sessions import account_of
from billing.usage import usage_hours
from billing.usage.usage_days import UsageRow
from billing.usage.usage_table import DEFAULT_DAYS, MOST_DAYS, USAGE_COLUMNS, NamedRow, named_rows
from infra.credits import credits_of
from infra.moscow_time import moscow_day
from infra.spreadsheet import csv_file
from web.cabinet.bar_chart import BarChart
from web.cabinet.list_file import is_file_wanted
from web.cabinet.login_required import login_required
from web.cabinet.usage_chart import FIGURES, LATENCY, by_days, by_hours, latency_by_hours

PERIODS = (1, 7, 30, 90)

_IN_FOUR_DIGITS = gettext_lazy("Write the year in four digits.")
_BOUNDS = [
    MinValueValidator(date(2000, 1, 1), _IN_FOUR_DIGITS),
    MaxValueValidator(date(2199, 12, 31), _IN_FOUR_DIGITS),
]
"""A browser takes 26 for the year 26."""


@dataclass(frozen=True, slots=True)
class UsageLine:
    """A table row: the sums of one day, model or key, or of all."""

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
    """A period of days in Moscow: the last `days`, or `since` to `until`, both included."""

    days = forms.TypedChoiceField(
        choices=[(days, days) for days in PERIODS], coerce=int, empty_value=None, required=False
    )
    since = forms.DateField(
        label=gettext_lazy("From"),
        required=False,
        validators=_BOUNDS,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label=gettext_lazy("To"),
        required=False,
        validators=_BOUNDS,
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
    metric = forms.ChoiceField(
        label=gettext_lazy("Show"),
        choices=[*((name, figure.label) for name, figure in FIGURES.items()), ("latency", LATENCY)],
        required=False,
    )

    def clean_metric(self) -> str:
        return str(self.cleaned_data["metric"] or "cost")

    def clean_group(self) -> str:
        return str(self.cleaned_data["group"] or "day")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        until = cleaned.get("until") or moscow_day(timezone.now())
        days = cleaned.get("days") or DEFAULT_DAYS
        since = cleaned.get("since") or until - timedelta(days=days - 1)
        if since > until:
            raise ValidationError({"since": _("The first day comes before the last one.")})
        if (until - since).days >= MOST_DAYS:
            text = _("A period is %(days)s days at most.") % {"days": MOST_DAYS}
            raise ValidationError({"since": text})
        return cleaned | {"since": since, "until": until}


@never_cache
@login_required
@require_safe
def usage(request: HttpRequest) -> HttpResponseBase:
    """Show the usage of a period, or send it as CSV."""
    form = PeriodForm(request.GET)
    asked = form if form.is_valid() else _valid(PeriodForm({}))
    since, until = asked.cleaned_data["since"], asked.cleaned_data["until"]
    account_id = account_of(request).pk
    rows = named_rows(account_id, since, until)
    if is_file_wanted(request) and form.is_valid():
        return _table(rows, since, until)
    group, metric = asked.cleaned_data["group"], asked.cleaned_data["metric"]
    shown = {"group": group, "metric": metric}
    known = shown | {"since": since.isoformat(), "until": until.isoformat()}
    context = {
        "form": form if form.errors else PeriodForm(known),
        "group": group,
        "since": since,
        "until": until,
        "lines": _lines(rows, group),
        "total": _line("", rows),
        "chart": _chart(account_id, rows, asked.cleaned_data) if rows else None,
        "metric": metric,
        "metric_label": LATENCY if metric == "latency" else FIGURES[metric].label,
        "periods": [
            (days, f"?{urlencode(shown | {'days': days})}", _is_last(days, since, until))
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


def _table(rows: Sequence[NamedRow], since: date, until: date) -> StreamingHttpResponse:
    cells = (
        (
            row.used.day,
            row.used.model_id,
            row.key,
            row.used.requests,
            row.used.tokens_prompt,
            row.used.tokens_completion,
            credits_of(row.used.cost_nano),
        )
        for row in rows
    )
    return csv_file(f"usage-{since}-{until}.csv", chain((USAGE_COLUMNS,), cells))


def _lines(rows: Sequence[NamedRow], group: str) -> list[UsageLine]:
    """Sum the rows by group; days newest first, models and keys most expensive first."""
    lines = [_line(_title(found[0], group), found) for found in _grouped(rows, group)]
    if group == "day":
        return lines
    return sorted(lines, key=lambda line: (-line.cost_nano, -line.requests, line.title))


def _grouped(rows: Sequence[NamedRow], group: str) -> list[list[NamedRow]]:
    """Group the rows; keys by id, since two may share a name."""
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


def _line(title: str, rows: Sequence[NamedRow]) -> UsageLine:
    return UsageLine(
        title,
        requests=sum(row.used.requests for row in rows),
        errors=sum(row.used.errors for row in rows),
        tokens_prompt=sum(row.used.tokens_prompt for row in rows),
        tokens_completion=sum(row.used.tokens_completion for row in rows),
        cost_nano=sum(row.used.cost_nano for row in rows),
    )


def _chart(account_id: int, rows: Sequence[NamedRow], asked: dict[str, Any]) -> BarChart | None:
    """Draw the figure that was asked for, stacked by model or by key; of a single day by the hour.

    None where it is not known: how long requests took, but of a single day.
    """
    since, until, metric = asked["since"], asked["until"], asked["metric"]
    is_by_key = asked["group"] == "key"
    names = {row.used.credential: row.key for row in rows if row.used.credential}

    def label(used: UsageRow) -> tuple[object, str]:
        if is_by_key:
            return used.credential, names[used.credential] if used.credential else ""
        return used.model_id, used.model_id or ""

    if since == until and (hours := usage_hours.rows(account_id, since)):
        if metric == "latency":
            return latency_by_hours(hours, since)
        missing = {row.used.credential for row in hours if row.used.credential} - names.keys()
        names |= credential_labels(account_id, missing)  # used since the rows were read
        return by_hours(hours, since, FIGURES[metric], label)
    if metric == "latency":
        return None
    return by_days((row.used for row in rows), since, until, FIGURES[metric], label)
