"""The Retry-After header, which says in seconds or as a date when to come again."""

import math
from datetime import UTC
from email.utils import parsedate_to_datetime

WAIT_S_MAX = 86_400.0
"""A longer wait is cut to this: an absurd date is no reason to fail."""


def retry_after_s(value: str | None, *, now_s: float) -> float | None:
    """Return the seconds to wait, 0 to WAIT_S_MAX; None for no header or one that says nothing.

    `now_s` is Unix time. Source: RFC 9110, 10.2.3; providers send fractions as well.
    """
    if value is None:
        return None
    try:
        wait_s = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
            # A date without a zone is in UTC.
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            wait_s = moment.timestamp() - now_s
        except (TypeError, ValueError, OverflowError):
            return None
    return min(max(wait_s, 0.0), WAIT_S_MAX) if math.isfinite(wait_s) else None
