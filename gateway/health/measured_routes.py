"""The figures of models at providers in this process, at most a minute old."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from django.utils import timezone

from gateway.health.route_history import (
    UNMEASURED,
    RouteMeasures,
    RouteName,
    measures,
)
from infra.live_copy import LiveCopy


class MeasuredRoutes(LiveCopy[Mapping[RouteName, RouteMeasures]]):
    """None are known where the database has never answered. `now` returns the time up to which they count."""

    name = "The figures of models"
    every_s = 60.0

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = timezone.now,
    ) -> None:
        super().__init__(clock)
        self._now = now
        self._value = {}

    def of(self, model_id: str, provider: str) -> RouteMeasures:
        """Return the figures of a model at a provider."""
        return self.current().get((model_id, provider), UNMEASURED)

    def _look(self) -> None:
        self._value = measures(self._now())


routes = MeasuredRoutes()
