"""The catalogue in memory: the models that are served and their names, at most a second behind the database."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from django.conf import settings
from django.db.models import CharField, Prefetch, Q, Value
from django.utils import timezone

from billing.prices import UpstreamName, current_prices, current_upstream_prices
from billing.pricing import PriceValue
from gateway.models import Alias, LanguageModel
from gateway.models import Route as RouteRow
from gateway.providers.profile import ModelProfile, read_profile
from infra.live_copy import LiveCopy
from infra.moscow_time import moscow_day

DEFAULT_BRANCH = ":latest"

_log = logging.getLogger(__name__)
Status = Literal["preview", "current", "legacy", "ended"]
_STATUSES: Mapping[str, Status] = {
    "preview": "preview",
    "current": "current",
    "legacy": "legacy",
    "ended": "ended",
}
_Rows = frozenset[tuple[str, int, datetime]]
_Prices = Mapping[str, PriceValue]
_UpstreamPrices = Mapping[UpstreamName, PriceValue]
_Revision = tuple[_Rows, _Prices, _UpstreamPrices, date]


class CatalogueUnavailable(Exception):
    """The database has not answered since this process started."""


@dataclass(frozen=True, slots=True)
class CatalogRoute:
    """One way to serve a model; `upstream_id` is the provider's own name for it.

    `upstream_price` is what the provider charges us, None where that is not known.
    """

    provider: str
    upstream_id: str
    priority: int
    weight: int
    profile: ModelProfile
    upstream_price: PriceValue | None = None


@dataclass(frozen=True, slots=True)
class CatalogModel:
    """A model as callers see it. `created` is in Unix seconds; `routes` are in order of priority.

    One with `is_auto` has neither price nor routes: `Catalogue.choices` returns the models behind it.
    `ends_on` is the last day on which it is served, in Moscow; its end was announced on `deprecated_on`,
    and `successor` is the id of the model to use instead, "" where none is named.
    """

    id: str
    name: str
    description: str
    description_en: str
    kind: Literal["chat", "embeddings"]
    owned_by: str
    created: int
    context_tokens: int
    max_output_tokens: int
    is_free: bool
    is_auto: bool
    price: PriceValue | None
    routes: tuple[CatalogRoute, ...]
    status: Status = "current"
    deprecated_on: date | None = None
    ends_on: date | None = None
    successor: str = ""


class Catalogue:
    """The models that are served, at one moment. Immutable."""

    def __init__(self, models: Iterable[CatalogModel], aliases: Mapping[str, str]) -> None:
        """Keep the `models` that have a price and a route; `aliases` maps a name to a model's id."""
        given = sorted(models, key=lambda model: model.id)
        self._ended = {model.id: model for model in given if model.status == "ended"}
        served = [
            model
            for model in given
            if model.price is not None and model.routes and model.status != "ended"
        ]
        self._choices = tuple(
            sorted((model for model in served if model.kind == "chat"), key=_cheapest_first)
        )
        if self._choices:
            served += [model for model in given if model.is_auto]
        self._models = {model.id: model for model in sorted(served, key=lambda model: model.id)}
        self._aliases = aliases
        self._serving: dict[frozenset[str], Catalogue] = {}

    def models(self) -> tuple[CatalogModel, ...]:
        """Return every model, sorted by id."""
        return tuple(self._models.values())

    def resolve(self, model_id: str) -> CatalogModel | None:
        """Find a model by id or alias, case-insensitively, with or without `:latest` and `PROVIDER/`."""
        name = model_id.lower()
        if (model := self._named(name)) is not None:
            return model
        provider, slash, rest = name.partition("/")
        model = self._named(rest) if slash else None
        if model is not None and any(route.provider == provider for route in model.routes):
            return model
        return None

    def ended(self, model_id: str) -> CatalogModel | None:
        """Find a model that is served no more by id or alias, case-insensitively."""
        name = model_id.lower()
        return self._ended.get(name) or self._ended.get(self._aliases.get(name, ""))

    def folded(self) -> Mapping[str, list[CatalogModel]]:
        """Return former names, served or ended, by the id of the served model that lists show them under."""
        found: dict[str, list[CatalogModel]] = {}
        for model in (*self._models.values(), *self._ended.values()):
            if model.status in ("legacy", "ended") and model.successor in self._models:
                found.setdefault(model.successor, []).append(model)
        return found

    def aliases_of(self, model_id: str) -> list[str]:
        """Return the other names of a model."""
        return [name for name, named in self._aliases.items() if named == model_id]

    def serving(self, providers: frozenset[str]) -> "Catalogue":
        """Return the part of the catalogue that the `providers` (slugs) serve."""
        part = self._serving.get(providers)
        if part is None:
            part = Catalogue(
                (
                    replace(
                        model,
                        routes=tuple(r for r in model.routes if r.provider in providers),
                    )
                    for model in (*self._models.values(), *self._ended.values())
                ),
                self._aliases,
            )
            self._serving[providers] = part
        return part

    def narrowed(self, profile_of: Callable[[CatalogRoute], ModelProfile]) -> "Catalogue":
        """Return the catalogue with the profiles that `profile_of` gives; itself where they are its own."""
        models: list[CatalogModel] = []
        is_same = True
        for model in self._models.values():
            profiles = [profile_of(route) for route in model.routes]
            if any(p is not r.profile for p, r in zip(profiles, model.routes, strict=True)):
                is_same = False
                pairs = zip(model.routes, profiles, strict=True)
                model = replace(model, routes=tuple(replace(r, profile=p) for r, p in pairs))
            models.append(model)
        return self if is_same else Catalogue((*models, *self._ended.values()), self._aliases)

    def choices(self, model: CatalogModel) -> tuple[CatalogModel, ...]:
        """Return the models that may answer for `model`: itself; for auto every chat model, cheapest first."""
        return self._choices if model.is_auto else (model,)

    def _named(self, name: str) -> CatalogModel | None:
        for spelling in (name, name + DEFAULT_BRANCH, name.removesuffix(DEFAULT_BRANCH)):
            model = self._models.get(spelling) or self._models.get(self._aliases.get(spelling, ""))
            if model is not None:
                return model
        return None


class LiveCatalogue(LiveCopy[Catalogue]):
    """The snapshot of a process. `now` returns the time for which prices are read."""

    name = "The catalogue"
    unavailable = CatalogueUnavailable

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = timezone.now,
    ) -> None:
        super().__init__(clock)
        self._now = now
        self._revision: _Revision | None = None

    def _look(self) -> None:
        revision = _read_revision(self._now())
        if revision != self._revision:
            self._value = _read_catalogue(revision)
            self._revision = revision


_live = LiveCatalogue()


def current() -> Catalogue:
    """Return this process's snapshot. Raises CatalogueUnavailable."""
    return _live.current()


def reset() -> None:
    """Have the next call of `current` read the database."""
    _live.reset()


def _cheapest_first(model: CatalogModel) -> tuple[int, str]:
    price = model.price
    return (price.prompt_nano + price.completion_nano if price else 0, model.id)


def _read_revision(at: datetime) -> _Revision:
    """Return what changes with every edit: all rows with their `updated_at`, the prices in force, the day.

    All of them and not the latest alone, for a transaction that commits late may have an earlier one.
    """
    tables = (LanguageModel, Alias, RouteRow)
    rows, *others = (
        table._default_manager.order_by().values_list(
            Value(table.__name__, output_field=CharField()), "pk", "updated_at"
        )
        for table in tables
    )
    stamps = frozenset(rows.union(*others, all=True))
    return stamps, current_prices(at), current_upstream_prices(at), moscow_day(at)


def _read_catalogue(revision: _Revision) -> Catalogue:
    _, prices, upstream_prices, day = revision
    enabled = RouteRow.objects.filter(enabled=True).order_by("priority", "pk")
    offered = Q(enabled=True) | Q(status="ended")
    rows = LanguageModel.objects.filter(offered).prefetch_related(Prefetch("routes", enabled))
    return Catalogue(
        [_model(row, prices.get(row.public_id), upstream_prices, day) for row in rows],
        dict(Alias.objects.values_list("name", "model__public_id")),
    )


def _model(
    row: LanguageModel, price: PriceValue | None, upstream_prices: _UpstreamPrices, day: date
) -> CatalogModel:
    routes = (_route(route, upstream_prices) for route in row.routes.all())
    return CatalogModel(
        id=row.public_id,
        name=row.name,
        description=row.description,
        description_en=row.description_en,
        kind="chat" if row.kind == LanguageModel.Purpose.CHAT else "embeddings",
        owned_by=row.owned_by,
        created=int(row.created_at.timestamp()),
        context_tokens=row.context_tokens,
        max_output_tokens=row.max_output_tokens,
        is_free=row.is_free and settings.FREE_TIER,
        is_auto=row.is_auto,
        price=None if row.is_auto else price,
        routes=() if row.is_auto else tuple(filter(None, routes)),
        status=_status(row, day),
        deprecated_on=row.deprecated_on,
        ends_on=row.ends_on,
        successor=row.successor,
    )


def _status(row: LanguageModel, day: date) -> Status:
    if row.ends_on is not None and row.ends_on < day:
        return "ended"
    return _STATUSES[row.status]


def _route(row: RouteRow, upstream_prices: _UpstreamPrices) -> CatalogRoute | None:
    try:
        profile = read_profile(
            row.profile,
            context_tokens=row.model.context_tokens,
            max_output_tokens=row.model.max_output_tokens,
        )
    except ValueError as error:
        _log.error("Route %s is left out: its profile cannot be read: %s", row.pk, error)
        return None
    return CatalogRoute(
        provider=row.provider,
        upstream_id=row.upstream_id,
        priority=row.priority,
        weight=row.weight,
        profile=profile,
        upstream_price=upstream_prices.get((row.provider, row.upstream_id)),
    )
