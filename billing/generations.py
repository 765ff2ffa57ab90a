"""One request that had a hold: its id, what is kept of it, and how its account reads it again."""

import re
import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict

from django.db import DatabaseError, InterfaceError

from billing.errors import MoneyStoreUnavailable
from billing.models import Generation

TokensSource = Literal["provider", "estimated"]

_PUBLIC_ID = re.compile(r"gen-([0-9a-f]{32})", re.ASCII)


class AttemptRecord(TypedDict):
    """Who was asked and what came of it, as it is kept and shown."""

    provider: str
    model: str
    outcome: str
    ms: int


@dataclass(frozen=True, slots=True)
class GenerationFacts:
    """What is known of a request when it ends. Empty words mean: there was none."""

    model_id: str
    provider: str = ""
    is_streamed: bool = False
    is_cancelled: bool = False
    tokens_prompt: int = 0
    tokens_completion: int = 0
    tokens_cached: int = 0
    tokens_source: TokensSource = "provider"
    price_id: int | None = None
    upstream_cost_nano: int | None = None
    latency_ms: int | None = None
    time_to_first_token_ms: int | None = None
    finish_reason: str = ""
    native_finish_reason: str = ""
    error_code: str = ""
    attempts: Sequence[AttemptRecord] = ()
    adapted: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class GenerationRecord:
    """A request that was settled. `charged_nano` is what its account paid."""

    id: uuid.UUID
    created_at: datetime
    requested_model: str
    charged_nano: int
    facts: GenerationFacts


def new_id() -> uuid.UUID:
    """Return a new UUIDv7 (RFC 9562): the ids of later milliseconds are greater."""
    milliseconds = time.time_ns() // 1_000_000 & (1 << 48) - 1
    tail = secrets.randbits(74)
    return uuid.UUID(
        int=milliseconds << 80 | 0x7 << 76 | tail >> 62 << 64 | 0b10 << 62 | tail & (1 << 62) - 1
    )


def public_id(generation_id: uuid.UUID) -> str:
    """Return the id as callers see it: `gen-` and 32 hexadecimal digits."""
    return f"gen-{generation_id.hex}"


def parse_public_id(text: str) -> uuid.UUID | None:
    """Return the id that callers write as `text`, or None where it is none."""
    found = _PUBLIC_ID.fullmatch(text)
    return uuid.UUID(found[1]) if found else None


def find(public: str, *, account_id: int) -> GenerationRecord | None:
    """Return a settled request of the account; what is another's does not exist.

    Raises MoneyStoreUnavailable.
    """
    generation_id = parse_public_id(public)
    if generation_id is None:
        return None
    try:
        row = Generation.objects.filter(id=generation_id, account=account_id).first()
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
    return record_of(row) if row else None


def record_of(row: Generation) -> GenerationRecord:
    """Return a row as a value."""
    return GenerationRecord(
        id=row.id,
        created_at=row.created_at,
        requested_model=row.requested_model,
        charged_nano=row.cost_nano - row.write_off_nano,
        facts=GenerationFacts(
            model_id=row.model_id,
            provider=row.provider,
            is_streamed=row.is_streamed,
            is_cancelled=row.is_cancelled,
            tokens_prompt=row.tokens_prompt,
            tokens_completion=row.tokens_completion,
            tokens_cached=row.tokens_cached,
            tokens_source="estimated" if row.tokens_source == "estimated" else "provider",
            price_id=row.price_id,
            upstream_cost_nano=row.upstream_cost_nano,
            latency_ms=row.latency_ms,
            time_to_first_token_ms=row.time_to_first_token_ms,
            finish_reason=row.finish_reason,
            native_finish_reason=row.native_finish_reason,
            error_code=row.error_code,
            attempts=tuple(row.attempts),
            adapted=tuple(row.adapted),
        ),
    )
