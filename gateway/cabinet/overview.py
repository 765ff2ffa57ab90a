"""The first page of the cabinet: what there is, how long it lasts, what was spent and asked last."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import APIKey
from accounts.sessions import account_of
from billing import balances, generations, limits, usage
from billing.forecast import forecast
from billing.generations import Wanted
from billing.periods import moscow_day
from billing.pricing import credits_of
from gateway.cabinet.first_request import first_request
from gateway.cabinet.generation_words import lines
from gateway.cabinet.keys import new_key_token

CHART_DAYS = 30
LAST_REQUESTS = 10


@dataclass(frozen=True, slots=True)
class SpendingDay:
    """What one of Moscow's days cost."""

    day: date
    cost_nano: int


@never_cache
@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show how the account stands; one that has asked nothing yet is shown the way."""
    account = account_of(request)
    balance = balances.exact(account.pk)
    tier = limits.tier_of(balance.posted_nano)
    now = timezone.now()
    spent = _spent(account.pk, moscow_day(now))
    records = generations.latest(account.pk, Wanted(), most=LAST_REQUESTS)
    context = {
        "balance": balance,
        "tier": tier,
        "limits": limits.status(account.pk, tier),
        "forecast": forecast(balance.posted_nano, spent, now),
        "days": [SpendingDay(day, spent[day]) for day in sorted(spent, reverse=True)],
        "spent_nano": sum(spent.values()),
        "spending": _chart(spent),
        "lines": lines(account.pk, records),
    }
    if not records:
        context |= {
            "has_key": APIKey.objects.filter(account=account, revoked_at=None).exists(),
            "example": first_request(),
            "form_token": new_key_token(request),
        }
    return render(request, "cabinet/overview.html", context)


def _spent(account_id: int, today: date) -> dict[date, int]:
    """Return what each of the last days cost, the oldest first, also those that cost nothing."""
    since = today - timedelta(days=CHART_DAYS - 1)
    rows = usage.rows(account_id, since, today, group=["day"])
    spent = {since + timedelta(days=number): 0 for number in range(CHART_DAYS)}
    return spent | {row.day: row.cost_nano for row in rows if row.day is not None}


def _chart(spent: Mapping[date, int]) -> dict[str, object]:
    """Return the chart's series; what is drawn need not be exact, what is written beside it is."""
    values = [float(credits_of(amount_nano)) for amount_nano in spent.values()]
    return {
        "x": [day.isoformat() for day in spent],
        "series": [{"label": _("Spent"), "values": values}],
    }
