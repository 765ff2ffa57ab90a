"""Who is calling: one frozen value that every later step reads, made once by authentication."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

CredentialKind = Literal["key", "oauth", "session"]
LimitReset = Literal["daily", "weekly", "monthly"]


@dataclass(frozen=True, slots=True)
class KeyRate:
    """A key's own rate, tighter than its account's: `requests` in any rolling `window_s`."""

    requests: int
    window_s: int


@dataclass(frozen=True, slots=True)
class KeyBudget:
    """A key's own spending limit. `reset` None means: in all its life."""

    limit_nano: int
    reset: LimitReset | None


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    `account_id` names who pays and whose limits count; `credential_id` is the primary key of the
    API key or access token. Empty lists allow everything.
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
    rate: KeyRate | None = None
    budget: KeyBudget | None = None
