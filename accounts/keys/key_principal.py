"""The caller that an API key stands for, with its limits."""

import functools
from ipaddress import ip_network
from typing import cast

from accounts.models import APIKey
from accounts.principal import UNLIMITED, KeyBudget, KeyLimits, KeyRate, LimitReset, Principal


def principal_of(key: APIKey) -> Principal:
    """Return the caller that a key stands for."""
    return Principal(
        account_id=key.account_id,
        user_id=key.user_id,
        credential_kind="key",
        credential_id=key.pk,
        scopes=_scopes(tuple(key.scopes)),
        label=key.name,
        is_test=key.is_test,
        allowed_models=frozenset(key.allowed_models),
        allowed_networks=tuple(ip_network(text) for text in key.allowed_ips),
        limits=_limits_of(key),
        budget=budget_of(key),
        expires_s=key.expires_at.timestamp() if key.expires_at else None,
    )


def budget_of(key: APIKey) -> KeyBudget | None:
    """Return the key's spending limit."""
    if key.limit_nano is None:
        return None
    reset = cast("LimitReset | None", key.limit_reset)  # by a constraint of the table
    return KeyBudget(limit_nano=key.limit_nano, reset=reset, key_ids=tuple(key.budget_keys))


@functools.lru_cache(maxsize=256)
def _scopes(names: tuple[str, ...]) -> frozenset[str]:
    """Return the scopes, one set for all keys that have the same: there may be many."""
    return frozenset(names)


def _limits_of(key: APIKey) -> KeyLimits:
    limits = KeyLimits(_rate_of(key), key.concurrency, key.slowed_requests_per_minute)
    return UNLIMITED if limits == UNLIMITED else limits


def _rate_of(key: APIKey) -> KeyRate | None:
    if key.rate_requests is None or key.rate_window_s is None:
        return None
    return KeyRate(requests=key.rate_requests, window_s=key.rate_window_s)
