"""Days in Moscow: the service counts everything by them. Pure."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

MOSCOW = ZoneInfo("Europe/Moscow")


def moscow_day(at: datetime) -> date:
    """Return Moscow's date at a moment."""
    return at.astimezone(MOSCOW).date()


def midnight(day: date) -> datetime:
    """Return when a day begins in Moscow."""
    return datetime.combine(day, time(), MOSCOW)
