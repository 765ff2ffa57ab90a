"""A model's ninety days as pages show them: a strip, and how many requests were answered."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import Error as DatabaseError
from psycopg_pool import PoolTimeout

from gateway.health import model_days
from gateway.health.model_days import Days
from web.public.day_strip import Cell, StatusDay, strip

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelDays:
    """The strip of a model, and the percent of its requests that were answered in all of it."""

    bars: Sequence[StatusDay]
    success_percent: float
    requests: int

    @property
    def bad_days(self) -> Sequence[StatusDay]:
        """Return the days on which many requests were not answered, the newest first."""
        return [bar for bar in reversed(self.bars) if bar.level in {"warn", "bad"}]

    @property
    def good_path(self) -> str:
        """Return all good days as one shape, and so all days without requests: a page has many strips."""
        return self._path("good")

    @property
    def none_path(self) -> str:
        return self._path("none")

    def _path(self, level: str) -> str:
        return "".join(f"M{bar.x}.1 0h.8v10h-.8z" for bar in self.bars if bar.level == level)


def of_all() -> dict[str, ModelDays]:
    """Return every model that was asked in the last ninety days, by its id. Raises django.db.Error."""
    return {model_id: _shown(days) for model_id, days in model_days.days().items()}


def of_model(model_id: str) -> ModelDays | None:
    """Return the days of a model; None where nobody asked it, or while the database is away."""
    try:
        days = model_days.days_of(model_id)
    except (DatabaseError, PoolTimeout) as error:
        logger.warning("The days of a model cannot be read: %s", error)
        return None
    return _shown(days) if days else None


def _shown(days: Days) -> ModelDays:
    requests = sum(figures.requests for figures in days.values())
    failures = sum(figures.failures for figures in days.values())
    cells = {
        day: Cell(figures.success_percent, figures.first_token_ms) for day, figures in days.items()
    }
    return ModelDays(strip(cells), 100 * (1 - failures / requests) if requests else 100.0, requests)
