"""Generation ids as times: they are UUIDv7, so a moment is a place in their order. Pure."""

import uuid
from datetime import UTC, date, datetime, time, timedelta

from billing.constants import MOSCOW

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SHIFT = 80


def least_id_at(at: datetime) -> uuid.UUID:
    """Return the least id that can be made at a moment."""
    return uuid.UUID(int=max(0, (at - _EPOCH) // _MILLISECOND) << _SHIFT)


def time_of(generation_id: uuid.UUID) -> datetime:
    """Return the moment when an id was made, by the clock of its process."""
    return _EPOCH + (generation_id.int >> _SHIFT) * _MILLISECOND


def midnight(day: date) -> datetime:
    """Return the moment when one of Moscow's days begins."""
    return datetime.combine(day, time(), MOSCOW)
