"""The periods of a key's budget: Moscow's days, weeks from Monday, months, or all its life. Pure."""

from datetime import date, datetime, timedelta

from accounts.principal import LimitReset
from billing.constants import MOSCOW


def moscow_day(at: datetime) -> date:
    """Return Moscow's date at a moment."""
    return at.astimezone(MOSCOW).date()


def period_start(reset: LimitReset | None, today: date) -> date:
    """Return the first day of the running period; that of a budget without reset is the first of all."""
    match reset:
        case "daily":
            return today
        case "weekly":
            return today - timedelta(days=today.weekday())
        case "monthly":
            return today.replace(day=1)
        case None:
            return date.min
