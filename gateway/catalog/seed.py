"""Fill the catalogue from catalogue.toml: create what is missing, change nothing that exists."""

import tomllib
from dataclasses import asdict
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.apps import apps as present_apps
from django.apps.registry import Apps
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing.pricing import Rates, dearest

SEED_FILE = Path(__file__).with_name("catalogue.toml")
NANO_PER_ROUBLE_PER_MILLION = 1_000

Document = dict[str, Any]


def seed_catalogue(apps: Apps = present_apps) -> None:
    """Create the models of the seed that are missing, with their aliases, routes and prices.

    A model that has routes or prices keeps them, and an alias that is taken stays where it is. A price in
    the file is what the provider charges us; callers pay that of the dearest route and PRICE_MARGIN_PERCENT
    more. A migration passes its historical models as `apps`, which may lack what came later.
    """
    seed = read_seed()
    with transaction.atomic():
        for entry in seed["models"]:
            _seed_model(apps, entry, seed["profiles"])
        _seed_prices(apps, seed["models"], seed["prices_valid_from"])


def read_seed() -> Document:
    """Return the file: `models`, `profiles` and `prices_valid_from`."""
    return tomllib.loads(SEED_FILE.read_text(encoding="utf-8"))


def read_seed_profile(profiles: Document, name: str) -> Document:
    """Return a profile of the seed; `like` names the one it extends."""
    own = dict(profiles[name])
    base = read_seed_profile(profiles, own.pop("like")) if "like" in own else {}
    parameters = base.get("parameters", {}) | own.get("parameters", {})
    return base | own | ({"parameters": parameters} if parameters else {})


def _seed_model(apps: Apps, entry: Document, profiles: Document) -> None:
    models = apps.get_model("gateway", "LanguageModel")._default_manager
    aliases = apps.get_model("gateway", "Alias")._default_manager
    routes = apps.get_model("gateway", "Route")._default_manager
    if aliases.filter(name=entry["id"]).exists():
        return
    known = {field.name for field in models.model._meta.get_fields()} - {"id", "aliases", "routes"}
    fields = {name: value for name, value in entry.items() if name in known}
    model, _ = models.get_or_create(public_id=entry["id"], defaults=fields)
    for name in entry.get("aliases", ()):
        if not models.filter(public_id=name).exists():
            aliases.get_or_create(name=name, defaults={"model": model})
    if routes.filter(model=model).exists():
        return
    for priority, route in enumerate(entry.get("routes", ())):
        routes.create(
            model=model,
            provider=route["provider"],
            upstream_id=route["upstream_id"],
            priority=priority,
            enabled=route.get("enabled", True),
            profile=read_seed_profile(profiles, route["profile"]),
        )


def _seed_prices(apps: Apps, entries: list[Document], day: date) -> None:
    prices = apps.get_model("billing", "Price")._default_manager
    upstream_prices = apps.get_model("billing", "UpstreamPrice")._default_manager
    has_source = any(field.name == "source" for field in upstream_prices.model._meta.get_fields())
    for entry in entries:
        quotes = {
            (route["provider"], route["upstream_id"]): quote
            for place, route in enumerate(entry.get("routes", ()))
            if (quote := route.get("price", None if place else entry.get("price"))) is not None
        }
        for (provider, upstream_id), quote in quotes.items():
            upstream = {"provider": provider, "upstream_id": upstream_id}
            if not upstream_prices.filter(**upstream).exists():
                note = {"source": quote.get("source", "")} if has_source else {}
                upstream_prices.create(
                    **upstream, **note, valid_from=_since(quote, day), **asdict(_rates(quote))
                )
        if quotes and not prices.filter(model_id=entry["id"]).exists():
            list_price = dearest([_rates(quote) for quote in quotes.values()])
            price = list_price.with_margin(settings.PRICE_MARGIN_PERCENT)
            valid_from = max(_since(quote, day) for quote in quotes.values())
            prices.create(model_id=entry["id"], valid_from=valid_from, **asdict(price))


def _rates(quote: Document) -> Rates:
    kinds = ("prompt", "completion", "cached")
    return Rates(**{f"{kind}_nano": _nano(quote[kind]) for kind in kinds})


def _since(quote: Document, day: date) -> datetime:
    """Return from when a price is valid: its own day, or that of the file."""
    return timezone.make_aware(datetime.combine(quote.get("since", day), time.min))


def _nano(roubles_per_million: float) -> int:
    """Return whole nano-credits per token. Raises ValueError where they are not whole."""
    nano = Decimal(str(roubles_per_million)) * NANO_PER_ROUBLE_PER_MILLION
    if nano != int(nano):
        raise ValueError(f"{roubles_per_million} roubles per million is no whole nano-credit.")
    return int(nano)
