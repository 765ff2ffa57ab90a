"""/cabinet/: what asks for attention, balance, forecast, limits, the last days and the latest requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.keys import lookup
from accounts.signin.sessions import account_of
from billing.ledger import balances
from billing.limits import request_limits
from billing.usage import all_requests, generations, usage_days
from billing.usage.forecast import forecast
from billing.usage.generations import Wanted
from billing.usage.usage_days import UsageRow
from infra.moscow_time import moscow_day
from web.cabinet.attention import matters
from web.cabinet.bar_chart import BarChart
from web.cabinet.first_request import first_request
from web.cabinet.generation_words import lines
from web.cabinet.keys import new_key_token
from web.cabinet.login_required import login_required
from web.cabinet.usage_chart import FIGURES, Label, by_days

CHART_DAYS = 30
LAST_REQUESTS = 10
SPARKLINES = ("requests", "tokens", "errors")
COLOURS = {"errors": 5}
"""Which series' colour a sparkline has; 1 where none is named."""


@dataclass(frozen=True, slots=True)
class SpendingDay:
    """What was spent on a day in Moscow."""

    day: date
    cost_nano: int


@dataclass(frozen=True, slots=True)
class Sparkline:
    """One figure of the last days: its name, its sum in words, a small chart, and where there is more."""

    label: str | Promise
    total: str
    chart: BarChart
    colour: int
    address: str


@never_cache
@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show the overview; an account that no model has answered yet sees how to send its first request."""
    account = account_of(request)
    balance = balances.exact(account.pk)
    tier = request_limits.tier_of(balance.posted_nano)
    now = timezone.now()
    today = moscow_day(now)
    since = today - timedelta(days=CHART_DAYS - 1)
    used = usage_days.rows(account.pk, since, today, group=["day", "model"])
    spent = _spent(used, since)
    ahead = forecast(balance.posted_nano, spent, now)
    requests = all_requests.latest(account.pk, Wanted(), most=LAST_REQUESTS)
    has_run = bool(generations.latest(account.pk, Wanted(), most=1))
    context = {
        "matters": matters(
            account.pk,
            balance,
            ahead,
            [row for row in used if row.day == today],
            now,
        ),
        "is_suspended": account.suspended_at is not None,
        "balance": balance,
        "tier": tier,
        "is_free_tier_open": settings.FREE_TIER,
        "limits": request_limits.status(account.pk, tier),
        "forecast": ahead,
        "days_left": (ahead.ends_at - now).days if ahead and ahead.ends_at else None,
        "days": [SpendingDay(day, spent[day]) for day in sorted(spent, reverse=True)],
        "spent_nano": sum(spent.values()),
        "chart": by_days(used, since, today, FIGURES["cost"], _by_model),
        "sparklines": [_sparkline(name, used, since, today) for name in SPARKLINES],
        "has_run": has_run,
        "lines": lines(account.pk, requests),
    }
    if not has_run:
        context |= {
            "has_key": lookup.has_any(account.pk, is_revoked=False),
            "example": first_request(),
            "form_token": new_key_token(request),
        }
    return render(request, "cabinet/overview.html", context)


def _spent(used: Sequence[UsageRow], since: date) -> Mapping[date, int]:
    """Return what was spent on each of the last days, oldest first, days without spending included."""
    spent = {since + timedelta(days=number): 0 for number in range(CHART_DAYS)}
    for row in used:
        if row.day in spent:
            spent[row.day] += row.cost_nano
    return spent


def _sparkline(name: str, used: Sequence[UsageRow], since: date, until: date) -> Sparkline:
    figure = FIGURES[name]
    query = urlencode({"metric": name, "days": CHART_DAYS})
    return Sparkline(
        label=figure.label,
        total=figure.write(sum(figure.of(row) for row in used)),
        chart=by_days(used, since, until, figure, _as_one(figure.label)),
        colour=COLOURS.get(name, 1),
        address=f"{reverse('usage')}?{query}",
    )


def _by_model(used: UsageRow) -> tuple[object, str]:
    return used.model_id, used.model_id or ""


def _as_one(label: str | Promise) -> Label:
    return lambda used: ("", str(label))
