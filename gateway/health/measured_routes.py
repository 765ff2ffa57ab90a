"""The figures of models at providers in this process, at most a minute old."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from django.db import Error as DatabaseError
from django.utils import timezone

from gateway.health.route_history import (
    UNMEASURED,
    RouteMeasures,
    RouteName,
    measures,
)

AGE_S = 60.0

_log = logging.getLogger(__name__)


class MeasuredRoutes:
    """One thread reads while the others use what was read before; while the database is away all do."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = timezone.now,
    ) -> None:
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._due_s = float("-inf")
        self._found: Mapping[RouteName, RouteMeasures] = {}

    def of(self, model_id: str, provider: str) -> RouteMeasures:
        """Return the figures of a model at a provider."""
        if self._clock() >= self._due_s and self._lock.acquire(blocking=False):
            try:
                self._found = measures(self._now())
            except DatabaseError:
                _log.warning("The figures of models could not be read.", exc_info=True)
            finally:
                self._due_s = self._clock() + AGE_S
                self._lock.release()
        return self._found.get((model_id, provider), UNMEASURED)

    def reset(self) -> None:
        """Have the next reader look at the database."""
        self._due_s = float("-inf")


routes = MeasuredRoutes()
