"""Answers that nobody could use: an account has some of them for nothing in any hour, and pays for more.

Decided in the database, so that it is exact across processes and survives them.
"""

import logging

from django.db import Error as DatabaseError

from billing.limits import counters
from billing.limits.store import LimitDenied, Window

FREE_AN_HOUR = 5
HOUR_S = 3600

logger = logging.getLogger(__name__)


def forgive(account_id: int) -> bool:
    """Count an unusable answer; say whether it is free. It is where nothing can be counted."""
    # The source is told to nobody: no request is refused for it.
    window = Window("key", f"unusable:{account_id}", FREE_AN_HOUR, HOUR_S, in_database=True)
    try:
        counters.count(window, None, counters.database_clock_us())
    except LimitDenied:
        return False
    except DatabaseError as error:
        logger.warning("An unusable answer is not counted, the database is away: %s", error)
    return True
