"""A store that is away: told once when it goes and once when it is back, however many requests meet it."""

import logging
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError

_NO_CONNECTION = ("08", "53", "57P")
"""How the SQLSTATE of an error begins that is not the statement's: connection, resources, shutdown."""

CALM_S = 1.0
"""A store that answers is back when nobody has missed it for so long: it goes, and comes, bit by bit."""

logger = logging.getLogger(__name__)


def is_outage(error: BaseException) -> bool:
    """Say whether an error, or what it was raised from, means that the database is away.

    One that refuses a statement does not.
    """
    link: BaseException | None = error
    while link is not None and not isinstance(link, OperationalError | InterfaceError):
        link = link.__cause__
    if link is None:
        return False
    state = getattr(link.__cause__, "sqlstate", None)
    return state is None or state.startswith(_NO_CONNECTION)


class Outage:
    """The outages of one store, as this process meets them."""

    def __init__(self, store: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._began_s: float | None = None
        self._missed_s = 0.0

    def note(self, error: BaseException) -> None:
        """Tell that the store is away, unless that is known."""
        self._missed_s = self._clock()
        if self._began_s is None:
            self._began_s = self._missed_s
            logger.error("%s is away: %s", self._store, " ".join(str(error).split()))

    def over(self) -> None:
        """Tell that the store answers, if it was away."""
        if self._began_s is None or self._clock() - self._missed_s < CALM_S:
            return
        lasted_s, self._began_s = self._clock() - self._began_s, None
        logger.warning("%s is back after %d seconds.", self._store, lasted_s)


database, redis = Outage("The database"), Outage("Redis")


def log_failure(by: logging.Logger, message: str, error: BaseException) -> None:
    """Log what failed of the database, as `message` and why; where it is away, that alone, and once."""
    if is_outage(error):
        database.note(error)
    else:
        by.warning("%s: %s", message, error)
