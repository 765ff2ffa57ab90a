"""What an operator sees first: the day beside the one before, what is open, and how the providers are."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from accounts import users
from billing import takings
from billing.id_times import midnight
from billing.periods import moscow_day
from billing.takings import DayTakings, Standing
from gateway import upstreams
from gateway.health import monitor
from gateway.health.status import ProviderStatus


@dataclass(frozen=True, slots=True)
class Day:
    """One of Moscow's days: what was taken in, and who came."""

    takings: DayTakings
    new_users: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    today: Day
    yesterday: Day
    standing: Standing
    providers: list[ProviderStatus]


def dashboard() -> Dashboard:
    """Read everything anew. Raises django.db.Error and MoneyStoreUnavailable."""
    today = moscow_day(timezone.now())
    return Dashboard(
        today=_day(today),
        yesterday=_day(today - timedelta(days=1)),
        standing=takings.standing(),
        providers=monitor.current().status(upstreams.served(is_test=False)),
    )


def _day(day: date) -> Day:
    new_users = users.count_new(midnight(day), midnight(day + timedelta(days=1)))
    return Day(takings.of_day(day), new_users)
