"""The status page: the providers' health now and in the last ninety days."""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe
from psycopg_pool import PoolTimeout

from gateway import upstreams
from gateway.catalog.snapshot import CatalogModel
from gateway.health import history, monitor, service_incidents
from gateway.health.history import KEPT_DAYS, Period
from gateway.health.status import ProviderStatus, Word
from gateway.pipeline.admission.access import served_to
from gateway.providers import registry
from web.public import model_days
from web.public.day_strip import Cell, StatusDay, strip
from web.public.model_days import ModelDays

logger = logging.getLogger(__name__)

WORDS: dict[Word, tuple[str | Promise, str]] = {
    "operational": (gettext_lazy("Operational"), "badge-good"),
    "degraded": (gettext_lazy("Some requests fail"), "badge-warn"),
    "down": (gettext_lazy("Does not answer"), "badge-bad"),
}
"""The word for people, and how its badge looks."""


@dataclass(frozen=True, slots=True)
class StatusCard:
    """A provider's health now, and its days; without requests there are no figures."""

    status: ProviderStatus
    bars: Sequence[StatusDay] = ()

    @property
    def name(self) -> str:
        return registry.title(self.status.provider)

    @property
    def word(self) -> str | Promise:
        return WORDS[self.status.word][0]

    @property
    def badge(self) -> str:
        return WORDS[self.status.word][1]

    @property
    def success_percent(self) -> float | None:
        return 100 * self.status.success_rate if self.status.asked else None


@dataclass(frozen=True, slots=True)
class ModelStrip:
    """A served model and its days."""

    model: CatalogModel
    days: ModelDays


@dataclass(frozen=True, slots=True)
class Row:
    """An hour or a day, with a cell for each provider."""

    began_at: dt.datetime
    cells: tuple[Cell, ...]


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Show the providers' health; without the database, without its history."""
    try:
        providers = monitor.current().status(upstreams.served(is_test=False))
        hours, days = _history([status.provider for status in providers])
        incidents = service_incidents.shown()
        models = _models()
    except (DatabaseError, PoolTimeout, upstreams.PoolUnavailable) as error:
        logger.warning("The history of providers cannot be read: %s", error)
        return render(request, "public/status.html", {"is_blind": True}, status=503)
    cards = [StatusCard(status, _bars(days, index)) for index, status in enumerate(providers)]
    return render(
        request,
        "public/status.html",
        {
            "cards": cards,
            "is_well": all(card.status.word == "operational" for card in cards),
            "incidents": incidents,
            "is_troubled": not all(incident.is_over for incident in incidents),
            "days_shown": KEPT_DAYS,
            "at": timezone.now(),
            "hours": hours,
            "days": days,
            "models": models,
            "bad_days": [(card.model, bar) for card in models for bar in card.days.bad_days],
        },
    )


def _history(providers: Sequence[str]) -> tuple[list[Row], list[Row]]:
    """Return the rows of the last day by hour, and of all days, newest first."""
    now = timezone.now()
    periods = history.hours(now - dt.timedelta(days=KEPT_DAYS))
    latest = [period for period in periods if period.began_at > now - dt.timedelta(days=1)]
    return _rows(latest, providers), _rows(history.days(periods), providers)


def _rows(periods: Sequence[Period], providers: Sequence[str]) -> list[Row]:
    cells = {(period.began_at, period.provider): _cell(period) for period in periods}
    moments = sorted({period.began_at for period in periods}, reverse=True)
    return [
        Row(moment, tuple(cells.get((moment, provider), Cell()) for provider in providers))
        for moment in moments
    ]


def _cell(period: Period) -> Cell:
    rate = period.success_rate
    return Cell(None if rate is None else 100 * rate, period.first_token_ms)


def _bars(days: Sequence[Row], index: int) -> Sequence[StatusDay]:
    """Return the strip of one provider."""
    return strip({timezone.localtime(row.began_at).date(): row.cells[index] for row in days})


def _models() -> list[ModelStrip]:
    """Return the served models that were asked in the last ninety days, by name."""
    asked = model_days.of_all()
    models = [model for model in served_to(None).models() if model.id in asked]
    return [
        ModelStrip(model, asked[model.id])
        for model in sorted(models, key=lambda model: model.name.casefold())
    ]
