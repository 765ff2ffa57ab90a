"""The settings of an API key, and their validation."""

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypedDict

from django.utils import timezone

from accounts.client_address import normal_network
from accounts.errors import InvalidKeySetting
from accounts.models import KEY_CONCURRENCY_MAX as KEY_CONCURRENCY_MAX
from accounts.principal import KeyRate, LimitReset
from accounts.scopes import KEY_SCOPES, Scope
from infra.credits import MAX_AMOUNT_NANO, credits_text
from infra.moscow_time import MOSCOW

NAME_MAX_CHARS = 100
MODEL_MAX_CHARS = 200
LIST_MAX_ITEMS = 100
RATE_MAX = 2**31 - 1
LATEST_EXPIRY = datetime.max.replace(tzinfo=MOSCOW).astimezone(UTC)
"""A later moment has no date in Moscow, which pages show."""


class KeyOptions(TypedDict, total=False):
    """The optional settings of a new key.

    `limit_nano` None: no budget; `limit_reset` None: the budget is for the key's whole life;
    `rate` None: no rate of its own; `concurrency` None: as many requests at once as the account may have;
    `expires_at` None: never; an empty list allows everything. `allowed_ips` are addresses or CIDR networks.
    """

    disabled: bool
    scopes: Iterable[Scope]
    allowed_models: Iterable[str]
    allowed_ips: Iterable[str]
    limit_nano: int | None
    limit_reset: LimitReset | None
    rate: KeyRate | None
    concurrency: int | None
    expires_at: datetime | None


class KeySettings(KeyOptions, total=False):
    """The settings to change; those that are absent stay."""

    name: str


def columns_of(settings: KeySettings) -> dict[str, object]:
    """Return the settings as columns of APIKey. Raises InvalidKeySetting."""
    columns: dict[str, object] = {}
    if "name" in settings:
        columns["name"] = _name(settings["name"])
    if "disabled" in settings:
        columns["disabled"] = settings["disabled"]
    if "scopes" in settings:
        columns["scopes"] = _scopes(settings["scopes"])
    if "allowed_models" in settings:
        columns["allowed_models"] = _models(settings["allowed_models"])
    if "allowed_ips" in settings:
        columns["allowed_ips"] = _networks(settings["allowed_ips"])
    if "limit_nano" in settings:
        columns["limit_nano"] = _limit(settings["limit_nano"])
    if "limit_reset" in settings:
        columns["limit_reset"] = _reset(settings["limit_reset"])
    if "rate" in settings:
        columns |= _rate(settings["rate"])
    if "concurrency" in settings:
        columns["concurrency"] = _concurrency(settings["concurrency"])
    if "expires_at" in settings:
        columns["expires_at"] = _expiry(settings["expires_at"])
    return columns


def _name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= NAME_MAX_CHARS or not name.isprintable():
        raise InvalidKeySetting(
            "name", f"A key's name is 1 to {NAME_MAX_CHARS} characters, without control characters."
        )
    return name


def _scopes(scopes: Iterable[Scope]) -> list[str]:
    wanted = set(scopes)
    if not wanted or not wanted <= set(KEY_SCOPES):
        raise InvalidKeySetting("scopes", f"A key may have the scopes: {', '.join(KEY_SCOPES)}.")
    return sorted(wanted)


def _models(names: Iterable[str]) -> list[str]:
    models = _unique("allowed_models", (name.strip() for name in names))
    if not all(1 <= len(name) <= MODEL_MAX_CHARS and name.isprintable() for name in models):
        raise InvalidKeySetting(
            "allowed_models", f"A model's id is 1 to {MODEL_MAX_CHARS} printable characters."
        )
    return models


def _networks(texts: Iterable[str]) -> list[str]:
    networks = []
    for text in texts:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            raise InvalidKeySetting(
                "allowed_ips", "Write addresses or networks, such as 203.0.113.7 or 10.0.0.0/8."
            ) from None
        networks.append(str(normal_network(network)))
    return _unique("allowed_ips", networks)


def _unique(field: str, items: Iterable[str]) -> list[str]:
    unique = list(dict.fromkeys(items))
    if len(unique) > LIST_MAX_ITEMS:
        raise InvalidKeySetting(field, f"At most {LIST_MAX_ITEMS} entries.")
    return unique


def _limit(limit_nano: int | None) -> int | None:
    if limit_nano is not None and not 0 <= limit_nano <= MAX_AMOUNT_NANO:
        raise InvalidKeySetting(
            "limit", f"limit must be credits from 0 to {credits_text(MAX_AMOUNT_NANO)}."
        )
    return limit_nano


def _reset(reset: LimitReset | None) -> LimitReset | None:
    if reset not in {None, "daily", "weekly", "monthly"}:
        raise InvalidKeySetting("limit_reset", "A limit resets daily, weekly, monthly or never.")
    return reset


def _rate(rate: KeyRate | None) -> dict[str, object]:
    if rate is None:
        return {"rate_requests": None, "rate_window_s": None}
    if not (1 <= rate.requests <= RATE_MAX and 1 <= rate.window_s <= RATE_MAX):
        raise InvalidKeySetting("rate_limit", "A rate is at least 1 request in at least 1 second.")
    return {"rate_requests": rate.requests, "rate_window_s": rate.window_s}


def _concurrency(requests: int | None) -> int | None:
    if requests is not None and not 1 <= requests <= KEY_CONCURRENCY_MAX:
        raise InvalidKeySetting(
            "concurrency", f"A key runs from 1 to {KEY_CONCURRENCY_MAX} requests at once."
        )
    return requests


def _expiry(expires_at: datetime | None) -> datetime | None:
    if expires_at is None:
        return None
    if expires_at <= timezone.now():
        raise InvalidKeySetting("expires_at", "expires_at must be in the future.")
    return min(expires_at, LATEST_EXPIRY)
