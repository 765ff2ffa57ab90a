"""What the owner of a key may set on it, and which values make sense."""

import ipaddress
from collections.abc import Iterable
from typing import TypedDict

from accounts.client_address import normal_network
from accounts.errors import InvalidKeySetting
from accounts.principal import KeyRate, LimitReset
from accounts.scopes import KEY_SCOPES, Scope

NAME_MAX_CHARS = 100
MODEL_MAX_CHARS = 200
LIST_MAX_ITEMS = 100
LIMIT_MAX_NANO = 2**63 - 1
RATE_MAX = 2**31 - 1


class KeyOptions(TypedDict, total=False):
    """What a new key may be given beside its name.

    `limit_nano` None: no budget; `limit_reset` None: the budget is for all the key's life;
    `rate` None: no rate of its own; an empty list allows everything. `allowed_ips` are addresses
    or CIDR networks.
    """

    disabled: bool
    scopes: Iterable[Scope]
    allowed_models: Iterable[str]
    allowed_ips: Iterable[str]
    limit_nano: int | None
    limit_reset: LimitReset | None
    rate: KeyRate | None


class KeySettings(KeyOptions, total=False):
    """All that can be changed of a key; what is absent is left alone."""

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
    if limit_nano is not None and not 0 <= limit_nano <= LIMIT_MAX_NANO:
        raise InvalidKeySetting(
            "limit", "A limit is not negative, and not above 9 thousand millions."
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
