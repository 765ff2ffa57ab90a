"""Add an OpenAI-compatible server with all its models in one step, from presets.toml."""

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.db import transaction

from billing.prices import date_prices, date_upstream_price
from billing.pricing import Rates
from gateway.models import LanguageModel, OpenAIServer, ProviderCredential, Route
from gateway.providers.openai_listing import ListedModel

PRESETS_FILE = Path(__file__).with_name("presets.toml")
NANO_PER_ROUBLE_PER_MILLION = 1_000
USUAL_CONTEXT_TOKENS = 4_096
"""Assumed of a model whose server does not tell: small, so that no prompt is cut in silence."""
MOST_OUTPUT_TOKENS = 8_192
_NOT_IN_IDS = re.compile(r"[^a-z0-9._:/-]+")
_LONGEST_ID = 100


@dataclass(frozen=True, slots=True)
class Preset:
    """A kind of server; `provider` is a built-in one, "" for a server of the operator's own."""

    key: str
    title: str
    slug: str = ""
    base_url: str = ""
    provider: str = ""
    settings: tuple[str, ...] = ()
    profile: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class ServerOrder:
    """What an operator wants: where the server is, its key if it has one, and what a million tokens cost us.

    `price` is None where that is not known: then the models wait for one.
    """

    slug: str
    name: str
    base_url: str
    api_key: str = ""
    price: Rates | None = None
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@functools.cache
def presets() -> Mapping[str, Preset]:
    """Return the presets by their keys, in the order of the file."""
    document = tomllib.loads(PRESETS_FILE.read_text(encoding="utf-8"))
    return {
        key: Preset(key, **{**fields, "settings": tuple(fields.get("settings", ()))})
        for key, fields in document["presets"].items()
    }


def rates_of(prompt: Decimal, completion: Decimal, cached: Decimal) -> Rates:
    """Return roubles per million tokens as rates. Raises ValueError where they are no whole nano-credits."""
    kinds = [amount * NANO_PER_ROUBLE_PER_MILLION for amount in (prompt, completion, cached)]
    if any(nano != int(nano) for nano in kinds):
        raise ValueError("A price has at most three digits behind the point.")
    return Rates(*map(int, kinds))


@transaction.atomic
def add_server(preset: Preset, order: ServerOrder, listed: Sequence[ListedModel]) -> OpenAIServer:
    """Add the server, its key, and its models with their routes and prices. Raises ValidationError.

    A model of the catalogue that has the id already is left as it is.
    """
    server = OpenAIServer(slug=order.slug, name=order.name, base_url=order.base_url)
    server.full_clean()
    server.save()
    if order.api_key:
        add_credential(order.slug, preset, order)
    for model in listed:
        _add_model(preset, order, model)
    return server


@transaction.atomic
def add_credential(provider: str, preset: Preset, order: ServerOrder) -> ProviderCredential:
    """Add a key of a provider under the preset's name, numbered from the second on. Raises ValidationError."""
    count = ProviderCredential.objects.filter(
        provider=provider, name__startswith=preset.key
    ).count()
    name = f"{preset.key}-{count + 1}" if count else preset.key
    credential = ProviderCredential(provider=provider, name=name, settings=dict(order.settings))
    credential.seal(order.api_key)
    credential.full_clean()
    credential.save()
    return credential


def _add_model(preset: Preset, order: ServerOrder, listed: ListedModel) -> None:
    public_id = _NOT_IN_IDS.sub("-", f"{order.slug}/{listed.id}".lower())[:_LONGEST_ID]
    if LanguageModel.objects.filter(public_id=public_id).exists():
        return
    context_tokens = listed.context_tokens or USUAL_CONTEXT_TOKENS
    is_priced = order.price is not None
    model = LanguageModel(
        public_id=public_id,
        name=listed.id[:_LONGEST_ID],
        owned_by=order.slug,
        context_tokens=context_tokens,
        max_output_tokens=min(context_tokens, MOST_OUTPUT_TOKENS),
        enabled=is_priced,
        waits_for="" if is_priced else LanguageModel.WaitsFor.PRICE,
    )
    model.full_clean()
    model.save()
    route = Route(
        model=model, provider=order.slug, upstream_id=listed.id, profile=dict(preset.profile)
    )
    route.full_clean()
    route.save()
    if order.price is not None:
        date_upstream_price((order.slug, listed.id), order.price, preset.title)
        date_prices({public_id: order.price.with_margin(settings.PRICE_MARGIN_PERCENT)}, None)
