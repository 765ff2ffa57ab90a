"""The authenticated caller, as one frozen value."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from accounts.model_map import matching
from accounts.model_map.matching import ModelMap

CredentialKind = Literal["key", "oauth", "session"]
LimitReset = Literal["daily", "weekly", "monthly"]


@dataclass(frozen=True, slots=True)
class KeyRate:
    """A key's own rate, tighter than its account's: `requests` in any rolling `window_s`."""

    requests: int
    window_s: int


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """A key's own limits besides its budget; None where it has none of that kind.

    `concurrency` is how many of its requests may run at once; `slowed_requests_per_minute` bounds a key
    of unusual use until its owner confirms it.
    """

    rate: KeyRate | None = None
    concurrency: int | None = None
    slowed_requests_per_minute: int | None = None


UNLIMITED = KeyLimits()


@dataclass(frozen=True, slots=True)
class KeyBudget:
    """A key's own spending limit. `reset` None: over its whole life.

    It counts what all of `key_ids` spend, for a rotated key and its successors share one budget; where
    there are none, what its own key spends.
    """

    limit_nano: int
    reset: LimitReset | None
    key_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    `account_id` is the account that pays and whose limits count; `credential_id` is the primary key of the
    API key or access token. Empty lists allow everything. `expires_s` is the Unix time from which the
    credential is refused. `model_map` are the account's own names for models.
    """

    account_id: int
    user_id: int
    credential_kind: CredentialKind
    credential_id: int
    scopes: frozenset[str]
    label: str
    is_test: bool = False
    allowed_models: frozenset[str] = frozenset()
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    limits: KeyLimits = UNLIMITED
    budget: KeyBudget | None = None
    expires_s: float | None = None
    model_map: ModelMap = field(default=matching.EMPTY, hash=False, repr=False)
