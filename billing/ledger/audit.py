"""Check the ledger: every figure that is stored twice is recomputed from its rows, and every digest.

An audit is whole, or goes on from the checkpoint of one that found nothing: then it reads the entries and
generations since, and of the days of these all; besides, only accounts and open holds, which are few.

Generations that retention may have deleted are left out, and so are test payments, which have no shop:
see TEST_PAYMENT in billing/payments/top_ups.py. A top-up may also be that of a redemption code.
"""

import contextlib
import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice
from typing import Any

from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Now
from django.utils import timezone

from billing.ledger.chain import digest_of
from billing.models import AuditCheckpoint, CreditAccount, LedgerEntry
from billing.models.usage import NO_ID
from billing.usage.aggregation import CLOCK_SLACK, first_id_of, settled_until
from billing.usage.generation_ids import time_of
from infra.moscow_time import moscow_day
from infra.own_connection import allow_long_statements

MOST_FINDINGS_A_RULE = 100
WHOLE_EVERY = timedelta(days=7)
_LAST_DRIFT = "ledger_drift_nano"
ROWS_AT_ONCE = 2000
_STATEMENT_MINUTES = 10

RULES = {
    "held is the sum of the open holds": """
        SELECT 'account ' || account_id, SUM(kept), SUM(counted) FROM (
            SELECT account_id, held_nano AS kept, 0 AS counted FROM billing_creditaccount
            UNION ALL SELECT account_id, 0, amount_nano FROM billing_hold
        ) AS both_sides GROUP BY account_id HAVING SUM(kept) <> SUM(counted)
    """,
    "available is not below the debt": """
        SELECT 'account ' || account_id, posted_nano, held_nano - debt_nano
        FROM billing_creditaccount WHERE posted_nano < held_nano - debt_nano OR held_nano < 0
    """,
    "a debt is of refunds at the shop": """
        SELECT 'account ' || account_id, debt_nano, returned FROM (
            SELECT account_id, debt_nano, COALESCE((
                SELECT -SUM(amount_nano) FROM billing_ledgerentry AS entry
                WHERE entry.account_id = balance.account_id AND entry.kind = 'returned'
            ), 0) AS returned
            FROM billing_creditaccount AS balance WHERE debt_nano <> 0
        ) AS debts WHERE debt_nano > returned
    """,
    "a top-up has its payment": """
        SELECT 'entry ' || entry.id, entry.amount_nano, 0 FROM billing_ledgerentry AS entry
        WHERE entry.id > %(entry)s AND entry.kind = 'top_up'
        AND entry.payment_id NOT LIKE 'test-payment-%%'
        AND NOT EXISTS (
            SELECT 1 FROM billing_payment AS payment
            WHERE payment.entry_id = entry.id AND payment.provider_id = entry.payment_id)
        AND NOT EXISTS (
            SELECT 1 FROM billing_redemptioncode AS code
            WHERE code.entry_id = entry.id AND 'code-' || code.id = entry.payment_id)
    """,
    "a redeemed code is its top-up": """
        SELECT 'code ' || code.id, batch.amount_nano, entry.amount_nano
        FROM billing_redemptioncode AS code
        JOIN billing_codebatch AS batch ON batch.id = code.batch_id
        JOIN billing_ledgerentry AS entry ON entry.id = code.entry_id
        WHERE entry.id > %(entry)s AND (batch.amount_nano <> entry.amount_nano
            OR code.account_id <> entry.account_id OR entry.kind <> 'top_up')
    """,
    "a payment is its top-up": """
        SELECT 'payment ' || payment.id, payment.amount_nano, entry.amount_nano
        FROM billing_payment AS payment JOIN billing_ledgerentry AS entry
            ON entry.id = payment.entry_id
        WHERE entry.id > %(entry)s AND (payment.amount_nano <> entry.amount_nano
            OR payment.account_id <> entry.account_id OR entry.kind <> 'top_up')
    """,
    "what is taken back has its refund at the shop": """
        SELECT 'entry ' || entry.id, -entry.amount_nano, COALESCE(refund.amount_nano, 0)
        FROM billing_ledgerentry AS entry LEFT JOIN billing_paymentrefund AS refund
            ON refund.entry_id = entry.id AND refund.provider_id = entry.payment_id
        WHERE entry.id > %(entry)s AND entry.kind = 'returned'
        AND -entry.amount_nano <> COALESCE(refund.amount_nano, 0)
    """,
    "a generation's cost is its charge": """
        SELECT 'generation ' || generation.id, generation.cost_nano, COALESCE(-entry.amount_nano, 0)
        FROM billing_generation AS generation LEFT JOIN billing_ledgerentry AS entry
            ON entry.generation_id = generation.id AND entry.kind = 'charge'
            AND entry.account_id = generation.account_id
        WHERE generation.id >= %(generation)s AND generation.cost_nano <> COALESCE(-entry.amount_nano, 0)
    """,
    "a generation's write-off is an entry": """
        SELECT 'generation ' || generation.id, generation.write_off_nano,
            COALESCE(entry.amount_nano, 0)
        FROM billing_generation AS generation LEFT JOIN billing_ledgerentry AS entry
            ON entry.generation_id = generation.id AND entry.kind = 'write_off'
            AND entry.account_id = generation.account_id
        WHERE generation.id >= %(generation)s
        AND generation.write_off_nano <> COALESCE(entry.amount_nano, 0)
    """,
    "a charge is of a generation": """
        SELECT 'entry ' || entry.id, entry.amount_nano, 0 FROM billing_ledgerentry AS entry
        WHERE entry.id > %(entry)s AND entry.kind = 'charge'
        AND entry.generation_id >= COALESCE((SELECT kept_from FROM billing_usagewatermark),
            '00000000-0000-0000-0000-000000000000')
        AND NOT EXISTS (
            SELECT 1 FROM billing_generation AS generation
            WHERE generation.id = entry.generation_id AND generation.account_id = entry.account_id)
    """,
    "what is settled is held no more": """
        SELECT 'hold ' || hold.id, hold.amount_nano, 0 FROM billing_hold AS hold
        WHERE EXISTS (SELECT 1 FROM billing_generation AS generation WHERE generation.id = hold.id)
    """,
    "a credential's spending is the sum of its generations": """
        SELECT credential_kind || ' ' || credential_id || ' on ' || day, SUM(kept), SUM(counted)
        FROM (
            SELECT credential_kind, credential_id, day, spent_nano AS kept, 0 AS counted
            FROM billing_spending WHERE day >= %(day)s
            UNION ALL SELECT credential_kind, credential_id, day, 0, cost_nano - write_off_nano
            FROM billing_generation WHERE id >= %(first_of_day)s AND day >= %(day)s
        ) AS both_sides
        WHERE day >= COALESCE((SELECT kept_day FROM billing_usagewatermark), '0001-01-01')
        GROUP BY credential_kind, credential_id, day HAVING SUM(kept) <> SUM(counted)
    """,
}


POSTED = "posted is the sum of the entries"
ALL_POSTED = "what all accounts have is the sum of all entries"
BALANCE = "an entry's balance is the sum of the entries so far"
CHAIN = "an entry is as it was written, and none is missing before it"
LAST = "an account's newest entry is the last one written"
AUDITED = "the entries up to a checkpoint are those that were audited"


@dataclass(frozen=True, slots=True)
class Drift:
    """What is stored and differs from what its rows come to (`expected`): nano-credits, or digests."""

    rule: str
    subject: str
    found: int | str
    expected: int | str

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject} has {self.found}, and {self.expected} is right"


@dataclass(slots=True)
class Sums:
    """What the entries up to one come to, in the order of their ids."""

    until_entry: int = 0
    entries: int = 0
    sum_nano: int = 0
    digest: bytes = b""

    def add(self, entry_id: int, amount_nano: int, digest: bytes) -> None:
        self.until_entry = entry_id
        self.entries += 1
        self.sum_nano += amount_nano
        self.digest = hashlib.sha256(self.digest + digest).digest()

    def __str__(self) -> str:
        return f"{self.entries} entries of {self.sum_nano}, {_shown(self.digest)}"


@dataclass(slots=True)
class _Last:
    """The newest entry of an account that has been read, and what all up to it come to."""

    digest: bytes = b""
    balance_nano: int = 0
    sum_nano: int = 0


def last_drift_nano() -> int | None:
    """Return by how much the books were off at the last audit; None before the first."""
    found: int | None = cache.get(_LAST_DRIFT)
    return found


def note_drift(drifts: Iterable[Drift]) -> None:
    """Keep by how much an audit found the books off: one nano-credit at least where anything is."""
    amounts = [
        max(1, abs(drift.found - drift.expected))
        if isinstance(drift.found, int) and isinstance(drift.expected, int)
        else 1
        for drift in drifts
    ]
    cache.set(_LAST_DRIFT, sum(amounts), timeout=None)


def checkpoint_to_go_on_from() -> AuditCheckpoint | None:
    """Return the newest checkpoint; None when a whole audit is due.

    It is due once a week, before the first checkpoint, and for as long as the last audit found drift, or
    what it found is not known: else the next one, which reads what is new alone, would call all well.
    """
    if last_drift_nano() != 0:
        return None
    recently = AuditCheckpoint.objects.filter(is_whole=True, created_at__gt=Now() - WHOLE_EVERY)
    return AuditCheckpoint.objects.order_by("-id").first() if recently.exists() else None


def first_day(since: AuditCheckpoint | None) -> date:
    """Return the first day whose generations an audit reads all."""
    if since is None:
        return date.min
    return moscow_day(time_of(since.generations_until) - CLOCK_SLACK)


def run(since: AuditCheckpoint | None) -> list[Drift]:
    """Audit in one snapshot, keep what was found and, where that is nothing, write a checkpoint."""
    audit = Audit(since)
    with _one_moment():
        drifts = list(audit.drifts())
    note_drift(drifts)
    if not drifts:
        audit.record()
    return drifts


def find_drift() -> Iterator[Drift]:
    """Check every rule on all that there is, as `Audit.drifts`."""
    return Audit(None).drifts()


class Audit:
    """One audit, from a checkpoint on or, without one, of everything."""

    def __init__(self, since: AuditCheckpoint | None) -> None:
        self._since = since
        self._sums = _sums_of(since) if since else Sums()
        self._settled: Sums | None = None
        self._generations_until = NO_ID
        self._last: dict[int, _Last] = {}

    def drifts(self) -> Iterator[Drift]:
        """Check every rule and yield what breaks it, a hundred findings of each at most.

        Each rule is one statement and so sees one moment; run it in a snapshot for one moment overall.
        """
        found: Counter[str] = Counter()
        for drift in self._all_drifts():
            found[drift.rule] += 1
            if found[drift.rule] <= MOST_FINDINGS_A_RULE:
                yield drift

    def record(self) -> None:
        """Write the checkpoint of an audit that has found nothing."""
        settled = self._settled or self._sums
        AuditCheckpoint.objects.create(
            until_entry=settled.until_entry,
            entries=settled.entries,
            sum_nano=settled.sum_nano,
            digest=settled.digest,
            generations_until=self._generations_until,
            is_whole=self._since is None,
        )

    def _all_drifts(self) -> Iterator[Drift]:
        self._generations_until = settled_until(timezone.now())
        bounds: dict[str, int | str] = {
            "entry": self._since.until_entry if self._since else 0,
            "generation": (self._since.generations_until if self._since else NO_ID).hex,
            "day": (day := first_day(self._since)).isoformat(),
            "first_of_day": first_id_of(day).hex,
        }
        for rule, query in RULES.items():
            with connection.cursor() as cursor:
                cursor.execute(f"{query} LIMIT {MOST_FINDINGS_A_RULE}", bounds)
                for subject, found, expected in cursor.fetchall():
                    yield Drift(rule, subject, int(found), int(expected))
        yield from self._in_entries()
        yield from self._in_accounts()

    def _in_entries(self) -> Iterator[Drift]:
        """Compute every digest and balance anew, and yield where the chain of an account breaks."""
        checkpoints = deque(_checkpoints() if self._since is None else ())
        settled_at = _newest_settled()
        for fields in self._entries():
            entry_id, digest = fields.pop("id"), bytes(fields.pop("digest") or b"")
            while checkpoints and checkpoints[0].until_entry < entry_id:
                yield from self._compared(checkpoints.popleft())
            if self._settled is None and entry_id > settled_at:
                self._settled = replace(self._sums)
            last = self._last[fields["account_id"]]
            expected = digest_of(last.digest, **fields)
            if digest != expected:
                yield Drift(CHAIN, f"entry {entry_id}", _shown(digest), _shown(expected))
            balance_nano = last.balance_nano + fields["amount_nano"]
            if fields["balance_nano"] != balance_nano:
                yield Drift(BALANCE, f"entry {entry_id}", fields["balance_nano"], balance_nano)
            last.digest, last.balance_nano = digest, fields["balance_nano"]
            last.sum_nano += fields["amount_nano"]
            self._sums.add(entry_id, fields["amount_nano"], digest)
        for checkpoint in checkpoints:
            yield from self._compared(checkpoint)

    def _compared(self, checkpoint: AuditCheckpoint) -> Iterator[Drift]:
        found, expected = str(self._sums), str(_sums_of(checkpoint))
        if found != expected:
            yield Drift(AUDITED, f"checkpoint {checkpoint.pk}", found, expected)

    def _entries(self) -> Iterator[dict[str, Any]]:
        """Yield the new entries in order; of their accounts what was before is read first."""
        since = self._since.until_entry if self._since else 0
        entries = (
            LedgerEntry.objects.filter(id__gt=since)
            .order_by("id")
            .values(
                *(
                    "id",
                    "digest",
                    "account_id",
                    "kind",
                    "amount_nano",
                    "balance_nano",
                    "created_at",
                ),
                *("generation_id", "payment_id", "reason", "actor_id"),
            )
        )
        rows = entries.iterator(ROWS_AT_ONCE)
        while batch := list(islice(rows, ROWS_AT_ONCE)):
            unseen = {fields["account_id"] for fields in batch} - self._last.keys()
            self._last |= {account_id: _Last() for account_id in unseen}
            if since:
                self._last |= _last_before(unseen, since)
            yield from batch

    def _in_accounts(self) -> Iterator[Drift]:
        """Compare accounts with their entries: all, or those with new ones and the sum of all."""
        accounts = CreditAccount.objects.order_by("account_id")
        if self._since is None:
            yield from self._compared_accounts(accounts)
            return
        touched = sorted(self._last)
        for start in range(0, len(touched), ROWS_AT_ONCE):
            part = touched[start : start + ROWS_AT_ONCE]
            yield from self._compared_accounts(accounts.filter(account_id__in=part))
        total_nano = int(accounts.aggregate(total=Sum("posted_nano"))["total"] or 0)
        if total_nano != self._sums.sum_nano:
            yield Drift(ALL_POSTED, "all accounts", total_nano, self._sums.sum_nano)

    def _compared_accounts(self, accounts: Any) -> Iterator[Drift]:
        rows = accounts.values_list("account_id", "posted_nano", "last_digest")
        for account_id, posted_nano, digest in rows.iterator(ROWS_AT_ONCE):
            last, found = self._last.get(account_id, _Last()), bytes(digest or b"")
            if posted_nano != last.sum_nano:
                yield Drift(POSTED, f"account {account_id}", posted_nano, last.sum_nano)
            if found != last.digest:
                yield Drift(LAST, f"account {account_id}", _shown(found), _shown(last.digest))


@contextlib.contextmanager
def _one_moment() -> Iterator[None]:
    """Run all the rules in one snapshot, which keeps no writer out."""
    if connection.vendor == "sqlite":
        wrapper: Any = connections[DEFAULT_DB_ALIAS]
        wrapper.ensure_connection()  # which sets the mode
        usual, wrapper.transaction_mode = wrapper.transaction_mode, "DEFERRED"
        try:
            with transaction.atomic():
                yield
        finally:
            wrapper.transaction_mode = usual
        return
    with transaction.atomic():
        allow_long_statements(_STATEMENT_MINUTES)
        with connection.cursor() as cursor:
            if not connection.savepoint_ids:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _last_before(account_ids: Iterable[int], until_entry: int) -> dict[int, _Last]:
    """Return the newest entries of accounts up to an id, by account; an audit has found these right."""
    newest = LedgerEntry.objects.filter(account=OuterRef("account_id"), id__lte=until_entry)
    ids = (
        CreditAccount.objects.filter(account_id__in=account_ids)
        .annotate(entry_id=Subquery(newest.order_by("-id").values("id")[:1]))
        .values_list("entry_id", flat=True)
    )
    rows = LedgerEntry.objects.filter(id__in=[each for each in ids if each is not None])
    return {
        account_id: _Last(bytes(digest or b""), balance_nano, balance_nano)
        for account_id, digest, balance_nano in rows.values_list(
            "account_id", "digest", "balance_nano"
        )
    }


def _newest_settled() -> int:
    """Return an entry's id up to which none can appear any more: a transaction takes no hour."""
    before = LedgerEntry.objects.filter(created_at__lt=Now() - CLOCK_SLACK).order_by("-id")
    return before.values_list("id", flat=True).first() or 0


def _checkpoints() -> Iterator[AuditCheckpoint]:
    return AuditCheckpoint.objects.order_by("until_entry", "id").iterator(ROWS_AT_ONCE)


def _sums_of(checkpoint: AuditCheckpoint) -> Sums:
    return Sums(
        checkpoint.until_entry,
        checkpoint.entries,
        checkpoint.sum_nano,
        bytes(checkpoint.digest),
    )


def _shown(digest: bytes) -> str:
    return digest.hex()[:12] or "no digest"
