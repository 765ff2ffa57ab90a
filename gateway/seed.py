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

from billing.pricing import Rates

SEED_FILE = Path(__file__).with_name("catalogue.toml")
NANO_PER_ROUBLE_PER_MILLION = 1_000

Document = dict[str, Any]


def seed_catalogue(apps: Apps = present_apps) -> None:
    """Create the models of the seed that are missing, with their names, routes and prices.

    A model that has a route keeps the routes it has, and one that has a price its prices; a name
    that is taken stays with its owner. A price of the file is what its provider charges us; callers
    pay PRICE_MARGIN_PERCENT more. A migration passes its own state of the tables as `apps`.
    """
    seed = tomllib.loads(SEED_FILE.read_text(encoding="utf-8"))
    with transaction.atomic():
        for entry in seed["models"]:
            _seed_model(apps, entry, seed["profiles"])
        _seed_prices(apps, seed["models"], seed["prices_valid_from"])


def _seed_model(apps: Apps, entry: Document, profiles: Document) -> None:
    models = apps.get_model("gateway", "LanguageModel")._default_manager
    aliases = apps.get_model("gateway", "Alias")._default_manager
    routes = apps.get_model("gateway", "Route")._default_manager
    if aliases.filter(name=entry["id"]).exists():
        return
    fields = {
        name: value
        for name, value in entry.items()
        if name not in {"id", "aliases", "routes", "price"}
    }
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
            profile=_profile(profiles, route["profile"]),
        )


def _profile(profiles: Document, name: str) -> Document:
    """Return a profile of the seed; `like` names the one it adds to."""
    own = dict(profiles[name])
    base = _profile(profiles, own.pop("like")) if "like" in own else {}
    parameters = base.get("parameters", {}) | own.get("parameters", {})
    return base | own | ({"parameters": parameters} if parameters else {})


def _seed_prices(apps: Apps, entries: list[Document], day: date) -> None:
    prices = apps.get_model("billing", "Price")._default_manager
    upstream_prices = apps.get_model("billing", "UpstreamPrice")._default_manager
    valid_from = timezone.make_aware(datetime.combine(day, time.min))
    for entry in entries:
        if "price" not in entry:
            continue
        list_price = Rates(
            **{f"{kind}_nano": _nano(entry["price"][kind]) for kind in entry["price"]}
        )
        upstream = {name: entry["routes"][0][name] for name in ("provider", "upstream_id")}
        if not upstream_prices.filter(**upstream).exists():
            upstream_prices.create(**upstream, valid_from=valid_from, **asdict(list_price))
        if not prices.filter(model_id=entry["id"]).exists():
            price = list_price.with_margin(settings.PRICE_MARGIN_PERCENT)
            prices.create(model_id=entry["id"], valid_from=valid_from, **asdict(price))


def _nano(roubles_per_million: float) -> int:
    """Return nano-credits per token. Raises ValueError unless they are whole."""
    nano = Decimal(str(roubles_per_million)) * NANO_PER_ROUBLE_PER_MILLION
    if nano != int(nano):
        raise ValueError(f"{roubles_per_million} roubles per million is no whole nano-credit.")
    return int(nano)
