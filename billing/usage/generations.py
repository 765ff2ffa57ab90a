"""Generations, the finished requests: their ids, what is stored of them, and how accounts read them."""

import re
import secrets
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypedDict

from django.db import DatabaseError, InterfaceError
from django.db.models import Q

from billing.errors import MoneyStoreUnavailable
from billing.models import Generation
from billing.usage.generation_ids import least_id_at
from infra.moscow_time import midnight
from infra.replica import from_replica

TokensSource = Literal["provider", "estimated"]
Outcome = Literal["answered", "failed", "cancelled"]

_PUBLIC_ID = re.compile(r"(?:gen-|msg_|resp_)([0-9a-f]{32})", re.ASCII)


class AttemptRecord(TypedDict):
    """One attempt at a provider and its outcome, as stored and shown."""

    provider: str
    model: str
    outcome: str
    ms: int


@dataclass(frozen=True, slots=True)
class GenerationFacts:
    """What is known of a request when it ends. An empty text means there was none.

    `routing` explains the choice of route: a JSON object that billing stores and does not read. The last four
    are what the caller noted on the request, None where it did not, and the id of its HTTP request;
    `queued_ms` is how long it waited for a provider's slot.
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
    queued_ms: int | None = None
    end_user: str | None = None
    session_id: str | None = None
    metadata: Mapping[str, str] | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class GenerationRecord:
    """A settled request; `credential` is the kind and the id of what it was sent with."""

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
        """How it ended; a caller that disconnected is no failure."""
        if self.facts.is_cancelled:
            return "cancelled"
        return "failed" if self.facts.error_code else "answered"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter of requests; what is left out does not filter.

    `credential` without an id means all of its kind; `since` and `until` are days of Moscow's, both included.
    """

    model_id: str = ""
    credential: tuple[str, int | None] | None = None
    outcome: Outcome | None = None
    since: date | None = None
    until: date | None = None

    def condition(self, model_field: str, before: uuid.UUID | None) -> Q:
        """Return all but the outcome as a condition on rows whose ids tell their time, those before an id."""
        condition = Q() if before is None else Q(id__lt=before)
        if self.since is not None:
            condition &= Q(id__gte=least_id_at(midnight(self.since)))
        if self.until is not None:
            condition &= Q(id__lt=least_id_at(midnight(self.until + timedelta(days=1))))
        if self.model_id:
            condition &= Q(**{model_field: self.model_id})
        if self.credential is not None:
            kind, credential_id = self.credential
            condition &= Q(credential_kind=kind)
            if credential_id is not None:
                condition &= Q(credential_id=credential_id)
        return condition


@dataclass(frozen=True, slots=True)
class SettledAttempts:
    """The attempts of one request, how it ended, how long it took, and the tokens of its answer."""

    attempts: Sequence[AttemptRecord]
    is_streamed: bool
    error_code: str
    latency_ms: int | None
    tokens_completion: int


OUTCOMES: dict[Outcome, Q] = {
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
    """Return the id in a text such as `gen-…`, or None; some protocols write `msg_…` or `resp_…`."""
    found = _PUBLIC_ID.fullmatch(text)
    return uuid.UUID(found[1]) if found else None


def find(public: str, *, account_id: int) -> GenerationRecord | None:
    """Return a settled request of the account, None for another account's.

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


def account_of(generation_id: uuid.UUID) -> int | None:
    """Return the account of a settled request; None where there is none. Raises django.db.Error."""
    return Generation.objects.filter(pk=generation_id).values_list("account_id", flat=True).first()


@from_replica
def latest(
    account_id: int, wanted: Wanted, *, most: int, before: uuid.UUID | None = None
) -> list[GenerationRecord]:
    """Return at most `most` of an account's settled requests, newest first, those before an id.

    Raises MoneyStoreUnavailable.
    """
    condition = wanted.condition("model_id", before)
    rows = Generation.objects.filter(condition, account=account_id).order_by("-id")
    if wanted.outcome is not None:
        rows = rows.filter(OUTCOMES[wanted.outcome])
    try:
        return [record_of(row) for row in rows[:most]]
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error


def attempts_between(since: datetime, until: datetime) -> Iterator[SettledAttempts]:
    """Yield the attempts of all requests that began in a period, except test keys'.

    Raises django.db.Error.
    """
    rows = Generation.objects.filter(
        id__gte=least_id_at(since), id__lt=least_id_at(until), is_test=False
    ).values_list("attempts", "is_streamed", "error_code", "latency_ms", "tokens_completion")
    for row in rows.iterator():
        yield SettledAttempts(*row)


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
            queued_ms=row.queued_ms,
            end_user=row.end_user,
            session_id=row.session_id,
            metadata=row.metadata,
            request_id=row.request_id,
        ),
    )
