"""The status page: how the providers are now, and how they were in the last ninety days."""

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
from gateway.health import history, monitor
from gateway.health.history import KEPT_DAYS, Period
from gateway.health.status import ProviderStatus, Word
from gateway.provider_names import provider_name

logger = logging.getLogger(__name__)

WORDS: dict[Word, tuple[str | Promise, str]] = {
    "operational": (gettext_lazy("Operational"), "badge-good"),
    "degraded": (gettext_lazy("Some requests fail"), "badge-warn"),
    "down": (gettext_lazy("Does not answer"), "badge-bad"),
}
"""The word for people, and how its badge looks."""


@dataclass(frozen=True, slots=True)
class StatusCard:
    """A provider as it is now. Where nobody asked it, there are no figures."""

    status: ProviderStatus

    @property
    def name(self) -> str:
        return provider_name(self.status.provider)

    @property
    def word(self) -> str | Promise:
        return WORDS[self.status.word][0]

    @property
    def badge(self) -> str:
        return WORDS[self.status.word][1]

    @property
    def success_percent(self) -> float | None:
        return 100 * self.status.success_rate if self.status.asked else None

    @property
    def first_token_s(self) -> float | None:
        return _seconds(self.status.first_token_ms)


@dataclass(frozen=True, slots=True)
class Cell:
    """What a row says of one provider; None where nothing was asked or measured."""

    success_percent: float | None = None
    first_token_s: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An hour or a day, with a cell for each provider."""

    began_at: dt.datetime
    cells: tuple[Cell, ...]


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Show how the providers are; without the database, without what was."""
    try:
        cards = [
            StatusCard(one) for one in monitor.current().status(upstreams.served(is_test=False))
        ]
        hours, days = _history([card.status.provider for card in cards])
    except (DatabaseError, PoolTimeout, upstreams.PoolUnavailable) as error:
        logger.warning("The history of providers cannot be read: %s", error)
        return render(request, "public/status.html", {"is_blind": True}, status=503)
    return render(
        request,
        "public/status.html",
        {
            "cards": cards,
            "is_well": all(card.status.word == "operational" for card in cards),
            "at": timezone.now(),
            "hours": hours,
            "days": days,
            "success": _series(cards, days, "success_percent"),
            "latency": _series(cards, days, "first_token_s"),
        },
    )


def _history(providers: Sequence[str]) -> tuple[list[Row], list[Row]]:
    """Return the rows of the last day by hours, and of all days, the newest first."""
    now = timezone.now()
    periods = history.hours(now - dt.timedelta(days=KEPT_DAYS))
    latest = [one for one in periods if one.began_at > now - dt.timedelta(days=1)]
    return _rows(latest, providers), _rows(history.days(periods), providers)


def _rows(periods: Sequence[Period], providers: Sequence[str]) -> list[Row]:
    cells = {(one.began_at, one.provider): _cell(one) for one in periods}
    moments = sorted({one.began_at for one in periods}, reverse=True)
    return [
        Row(moment, tuple(cells.get((moment, provider), Cell()) for provider in providers))
        for moment in moments
    ]


def _cell(period: Period) -> Cell:
    rate = period.success_rate
    return Cell(None if rate is None else 100 * rate, _seconds(period.first_token_ms))


def _series(cards: Sequence[StatusCard], days: Sequence[Row], field: str) -> dict[str, object]:
    """Return a chart's data, the oldest day first."""
    rows = days[::-1]
    return {
        "x": [timezone.localtime(row.began_at).date().isoformat() for row in rows],
        "series": [
            {
                "label": card.name,
                "values": [
                    None if value is None else round(value, 2)
                    for row in rows
                    for value in (getattr(row.cells[index], field),)
                ],
            }
            for index, card in enumerate(cards)
        ],
    }


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
