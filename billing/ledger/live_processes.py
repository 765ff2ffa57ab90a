"""How many processes hold money at present, on all machines together, as the last heartbeat found.

What processes share without Redis is divided by it.
"""

import datetime as dt

from django.db.models.functions import Now

from billing.models import ProcessLease

ALIVE_S = 60
"""A process whose heartbeat is older is dead; until then its part stays its own."""

_found = 0


def look() -> None:
    """Count the living. Raises django.db.Error."""
    global _found
    alive_since = Now() - dt.timedelta(seconds=ALIVE_S)
    _found = ProcessLease.objects.filter(renewed_at__gt=alive_since).count()


def at_least(own: int) -> int:
    """Return how many there are, or how many this machine is set to run where that is more."""
    return max(own, _found)
