"""What XRouter's own calls answer. Money is Decimal, in credits: a credit is a rouble."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """An object of an answer; fields that this version does not know are kept in `model_extra`."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


class Credits(Answer):
    total_credits: Decimal
    total_usage: Decimal

    @property
    def balance(self) -> Decimal:
        return self.total_credits - self.total_usage


class Attempt(Answer):
    """One provider that was asked, and what came of it."""

    provider: str
    model: str
    outcome: str
    ms: int


class Generation(Answer):
    """The record of one request; `latency` and the times are milliseconds."""

    id: str
    model: str
    requested_model: str | None
    provider_name: str | None
    created_at: datetime
    streamed: bool
    cancelled: bool
    tokens_prompt: int
    tokens_completion: int
    tokens_cached: int
    tokens_source: str
    total_cost: Decimal
    latency: int | None
    time_to_first_token: int | None
    finish_reason: str | None
    attempts: tuple[Attempt, ...]
    adapted: tuple[str, ...]
    queued_ms: int | None = None
    request_id: str | None = None
    user: str | None = None
    session_id: str | None = None
    metadata: dict[str, str] | None = None


class ActivityRow(Answer):
    """A day's usage of one model by one key; the day is Moscow's."""

    date: date
    model: str
    key: str | None
    requests: int
    tokens_prompt: int
    tokens_completion: int
    usage: Decimal


class Cost(Answer):
    """From the shortest answer with the prompt cached to what would be held."""

    least: Decimal
    most: Decimal


class PlanCandidate(Answer):
    model: str
    provider: str
    reasons: tuple[str, ...]
    adapted: tuple[str, ...]
    tokens_prompt: int
    max_tokens: int
    cost: Cost


class Refusal(Answer):
    """The error that a request would get."""

    message: str
    type: str
    param: str | None
    code: str


class Plan(Answer):
    """Who would be asked, in order, and whether the request would be let through."""

    candidates: tuple[PlanCandidate, ...]
    skipped: tuple[dict[str, Any], ...]
    admitted: bool
    refusal: Refusal | None


class Key(Answer):
    """An API key without its text; `hash` is its name in the API."""

    hash: str
    name: str
    label: str
    disabled: bool
    limit: Decimal | None
    limit_remaining: Decimal | None
    limit_reset: str | None
    usage: Decimal
    created_at: datetime
    last_used_at: datetime | None
    allowed_models: tuple[str, ...] | None
    allowed_ips: tuple[str, ...] | None
    test: bool


class NewKey(Answer):
    """A key that was just made. `key` is its text, which is shown this once."""

    data: Key
    key: str


class KeyName(Answer):
    hash: str


class RotatedKey(Answer):
    """The successor of a key. `key` is its text, which is shown this once."""

    data: KeyName
    key: str
