"""The figures on the operators' first page: today and yesterday, what is open, the providers' health."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from accounts import users
from billing.usage import revenue
from billing.usage.revenue import DayRevenue, OpenPositions
from gateway import upstreams
from gateway.health import monitor
from gateway.health.status import ProviderStatus
from infra.moscow_time import midnight, moscow_day


@dataclass(frozen=True, slots=True)
class Day:
    """A day in Moscow: its revenue, and how many people signed up."""

    revenue: DayRevenue
    new_users: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    today: Day
    yesterday: Day
    open_positions: OpenPositions
    providers: list[ProviderStatus]


def dashboard() -> Dashboard:
    """Read all figures. Raises django.db.Error and MoneyStoreUnavailable."""
    today = moscow_day(timezone.now())
    return Dashboard(
        today=_day(today),
        yesterday=_day(today - timedelta(days=1)),
        open_positions=revenue.open_positions(),
        providers=monitor.current().status(upstreams.served(is_test=False)),
    )


def _day(day: date) -> Day:
    new_users = users.count_new(midnight(day), midnight(day + timedelta(days=1)))
    return Day(revenue.of_day(day), new_users)
