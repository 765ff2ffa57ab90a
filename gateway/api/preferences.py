"""OpenRouter's `provider` object → Preferences."""

from decimal import Decimal, InvalidOperation
from typing import Any, cast

from gateway.api import fields
from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.order import Preferences, Sort

MAX_SLUGS = 32
MAX_SLUG_CHARACTERS = 64
MAX_PRICE = Decimal(10) ** 12


def read_preferences(source: fields.JSONObject) -> tuple[Preferences, bool]:
    """Return the preferences and whether the providers' data collection is denied."""
    provider = fields.mapping(source, "provider")
    if provider is None:
        return Preferences(), False
    path = "provider."
    sort = provider.get("sort")
    partition = None
    if isinstance(sort, dict):
        sort_field = fields.choice(sort, "by", _SORTS, path="provider.sort.")
        partition = fields.choice(sort, "partition", _PARTITIONS, path="provider.sort.")
    else:
        sort_field = fields.choice(provider, "sort", _SORTS, path=path)
    only = _slugs(provider, "only")
    price = fields.mapping(provider, "max_price", path=path) or {}
    denied = fields.choice(provider, "data_collection", ("allow", "deny"), path=path) == "deny"
    preferences = Preferences(
        order=_slugs(provider, "order") or (),
        only=None if only is None else frozenset(only),
        ignore=frozenset(_slugs(provider, "ignore") or ()),
        allow_fallbacks=fields.flag(provider, "allow_fallbacks", path=path) is not False,
        require_parameters=fields.flag(provider, "require_parameters", path=path) is True,
        sort=cast("Sort | None", sort_field),
        across_models=partition == "none",
        max_prompt_price=_price(price, "prompt"),
        max_completion_price=_price(price, "completion"),
    )
    return preferences, denied


_SORTS = ("price", "throughput", "latency")
_PARTITIONS = ("model", "none")


def _slugs(provider: dict[str, Any], name: str) -> tuple[str, ...] | None:
    slugs = fields.texts(
        provider, name, most=MAX_SLUGS, longest=MAX_SLUG_CHARACTERS, path="provider."
    )
    return None if slugs is None else tuple(slug.lower() for slug in slugs)


def _price(source: dict[str, Any], name: str) -> Decimal | None:
    """Return roubles per million tokens."""
    value = source.get(name)
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise InvalidOperation
        price = Decimal(str(value)[:40])
        if not 0 <= price <= MAX_PRICE:
            raise InvalidOperation
    except InvalidOperation:
        raise InvalidParameter(
            f"provider.max_price.{name} must be roubles per million tokens, 0 or more.",
            param=f"provider.max_price.{name}",
        ) from None
    return price
