"""Requests that had a hold: their ids, what is kept of them, and how their account reads them again."""

import re
import secrets
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypedDict

from django.db import DatabaseError, InterfaceError
from django.db.models import Q

from billing.errors import MoneyStoreUnavailable
from billing.id_times import least_id_at, midnight
from billing.models import Generation

TokensSource = Literal["provider", "estimated"]
Outcome = Literal["answered", "failed", "cancelled"]

_PUBLIC_ID = re.compile(r"gen-([0-9a-f]{32})", re.ASCII)


class AttemptRecord(TypedDict):
    """Who was asked and what came of it, as it is kept and shown."""

    provider: str
    model: str
    outcome: str
    ms: int


@dataclass(frozen=True, slots=True)
class GenerationFacts:
    """What is known of a request when it ends. Empty words mean: there was none.

    `routing` says why it went where it went, a JSON object that billing keeps and does not read.
    """

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
    routing: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class GenerationRecord:
    """A request that was settled; `credential` is the kind and the id of what it was sent with."""

    id: uuid.UUID
    created_at: datetime
    requested_model: str
    credential: tuple[str, int]
    is_test: bool
    cost_nano: int
    write_off_nano: int
    facts: GenerationFacts

    @property
    def charged_nano(self) -> int:
        """What its account paid."""
        return self.cost_nano - self.write_off_nano

    @property
    def outcome(self) -> Outcome:
        """Whether an answer came to its end; a caller that left is no failure."""
        if self.facts.is_cancelled:
            return "cancelled"
        return "failed" if self.facts.error_code else "answered"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests are asked for; what is left out narrows nothing.

    `credential` without an id means all of its kind; `since` is a day of Moscow's.
    """

    model_id: str = ""
    credential: tuple[str, int | None] | None = None
    outcome: Outcome | None = None
    since: date | None = None


@dataclass(frozen=True, slots=True)
class SettledAttempts:
    """Who was asked for one request, and how it ended."""

    attempts: Sequence[AttemptRecord]
    is_streamed: bool
    error_code: str


_OUTCOMES: dict[Outcome, Q] = {
    "answered": Q(is_cancelled=False, error_code=""),
    "failed": Q(is_cancelled=False) & ~Q(error_code=""),
    "cancelled": Q(is_cancelled=True),
}


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


def latest(
    account_id: int, wanted: Wanted, *, most: int, before: uuid.UUID | None = None
) -> list[GenerationRecord]:
    """Return an account's settled requests, newest first, `most` of them, from those before an id.

    Raises MoneyStoreUnavailable.
    """
    rows = Generation.objects.filter(account=account_id).order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    if wanted.since is not None:
        rows = rows.filter(id__gte=least_id_at(midnight(wanted.since)))
    if wanted.model_id:
        rows = rows.filter(model_id=wanted.model_id)
    if wanted.credential is not None:
        kind, credential_id = wanted.credential
        rows = rows.filter(credential_kind=kind)
        rows = rows if credential_id is None else rows.filter(credential_id=credential_id)
    if wanted.outcome is not None:
        rows = rows.filter(_OUTCOMES[wanted.outcome])
    try:
        return [record_of(row) for row in rows[:most]]
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error


def attempts_between(since: datetime, until: datetime) -> Iterator[SettledAttempts]:
    """Yield the attempts of all requests that began in a time, but for those of test keys.

    Raises django.db.Error.
    """
    rows = Generation.objects.filter(
        id__gte=least_id_at(since), id__lt=least_id_at(until), is_test=False
    ).values_list("attempts", "is_streamed", "error_code")
    for attempts, is_streamed, error_code in rows.iterator():
        yield SettledAttempts(attempts, is_streamed, error_code)


def record_of(row: Generation) -> GenerationRecord:
    """Return a row as a value."""
    return GenerationRecord(
        id=row.id,
        created_at=row.created_at,
        requested_model=row.requested_model,
        credential=(row.credential_kind, row.credential_id),
        is_test=row.is_test,
        cost_nano=row.cost_nano,
        write_off_nano=row.write_off_nano,
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
            routing=row.routing,
        ),
    )
