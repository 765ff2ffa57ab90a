"""/models/compare/: two to four models side by side, with what a month on each would cost."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from web.public import model_days
from web.public.model_days import ModelDays
from web.public.model_entries import (
    FEATURES,
    Ability,
    Feature,
    ModelEntry,
    find_entry,
    model_entries,
)
from web.public.month import MOST_REQUESTS, MOST_TOKENS, Month
from web.public.own_month import OwnMonth, own_month

FEWEST, MOST = 2, 4


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """A model of the comparison; `month_nano` is None where no month is told, `days` where nobody asked."""

    entry: ModelEntry
    days: ModelDays | None
    month_nano: int | None
    is_cheapest: bool


@dataclass(frozen=True, slots=True)
class AbilityRow:
    """A feature, and each model with its ability; None of a model for embeddings."""

    feature: Feature
    cells: Sequence[tuple[ModelEntry, Ability | None]]


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Show the models that `?model=` names, in its order; the same one counts once."""
    names = list(dict.fromkeys(filter(None, request.GET.getlist("model"))))
    found = {name: find_entry(name) for name in names}
    entries = list({entry.model.id: entry for entry in found.values() if entry}.values())
    own = own_month(request)
    month = _month(request, own)
    shown = entries[:MOST]
    chosen = [entry.model.id for entry in shown]
    context = {
        "columns": _columns(shown, month) if len(shown) >= FEWEST else [],
        "chosen": [*chosen, *[""] * (MOST - len(chosen))],
        "unknown": [name for name, entry in found.items() if entry is None],
        "is_too_many": len(entries) > MOST,
        "most": MOST,
        "entries": model_entries(),
        "ability_rows": _ability_rows(shown),
        "month": month,
        "own": own,
        "is_own": own is not None and own.month == month,
        "own_query": _query(chosen, own.month) if own is not None else "",
        "most_requests": MOST_REQUESTS,
        "most_tokens": MOST_TOKENS,
    }
    return render(request, "public/compare.html", context)


def _month(request: HttpRequest, own: OwnMonth | None) -> Month:
    """Return the month that is asked about; a reader who asks about none gets their own."""
    is_asked = any(name in request.GET for name in asdict(Month()))
    return Month.read(request.GET) if is_asked or own is None else own.month


def _columns(entries: Sequence[ModelEntry], month: Month) -> list[ComparedModel]:
    costs_nano = [month.cost_nano(entry) if month.is_told else None for entry in entries]
    cheapest = _cheapest(entries, costs_nano)
    return [
        ComparedModel(entry, model_days.of_model(entry.model.id), cost_nano, entry is cheapest)
        for entry, cost_nano in zip(entries, costs_nano, strict=True)
    ]


def _cheapest(entries: Sequence[ModelEntry], costs_nano: Sequence[int | None]) -> ModelEntry | None:
    """Return the one model that costs least; none of different kinds, or where a price is but a lower bound."""
    if len({entry.model.kind for entry in entries}) > 1:
        return None
    told = [
        (cost, entry) for entry, cost in zip(entries, costs_nano, strict=True) if cost is not None
    ]
    least = [entry for cost, entry in told if cost == min(cost for cost, _ in told)]
    return least[0] if len(least) == 1 and not least[0].model.is_auto else None


def _ability_rows(entries: Sequence[ModelEntry]) -> list[AbilityRow]:
    """Return the features that any of the models may have; none where all are for embeddings."""
    known = [
        (entry, {ability.feature: ability for ability in entry.abilities}) for entry in entries
    ]
    if not any(abilities for _, abilities in known):
        return []
    return [
        AbilityRow(feature, [(entry, abilities.get(feature)) for entry, abilities in known])
        for feature in FEATURES
    ]


def _query(chosen: Sequence[str], month: Month) -> str:
    return urlencode([*(("model", name) for name in chosen), *asdict(month).items()])
