"""Generation ids (UUIDv7) as times: their order is that of their creation. Pure."""

import uuid
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SHIFT = 80


def least_id_at(at: datetime) -> uuid.UUID:
    """Return the least id of a moment."""
    return uuid.UUID(int=max(0, (at - _EPOCH) // _MILLISECOND) << _SHIFT)


def time_of(generation_id: uuid.UUID) -> datetime:
    """Return when an id was created, by the clock of its process."""
    return _EPOCH + (generation_id.int >> _SHIFT) * _MILLISECOND
