"""/cabinet/billing/ledger/: an account's ledger entries, newest first, and all of them as CSV."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.signin.sessions import account_of
from billing.ledger import entries
from billing.ledger.entries import LedgerEntry
from billing.payments.top_ups import TEST_PAYMENT
from billing.redemption_codes import CODE_ENTRY
from billing.usage.generations import public_id
from gateway.api.retries.answer_once import ANSWER_LOST
from infra.credits import credits_of
from infra.moscow_time import moscow_day
from infra.spreadsheet import csv_file
from web.cabinet.list_file import is_file_wanted
from web.cabinet.login_required import login_required

PAGE_ENTRIES = 50

_COLUMNS = ("date", "kind", "reason", "generation", "payment", "amount", "balance")
_CSV_BATCH = 1000
_GREATEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class EntryLine:
    """An entry for a table. `generation` is the request's public id, empty where there is none."""

    entry: LedgerEntry
    reason: str
    generation: str


@never_cache
@login_required
@require_safe
def ledger(request: HttpRequest) -> HttpResponseBase:
    """Show the entries before the id `before`, or send all as CSV."""
    account_id = account_of(request).pk
    if is_file_wanted(request):
        return _table(account_id)
    before = _entry_id(request.GET.get("before", ""))
    lines = latest(account_id, PAGE_ENTRIES + 1, before)
    is_more = len(lines) > PAGE_ENTRIES
    lines = lines[:PAGE_ENTRIES]
    context = {
        "lines": lines,
        "before": before,
        "next_before": lines[-1].entry.pk if is_more else None,
    }
    return render(request, "cabinet/ledger.html", context)


def latest(account_id: int, count: int, before: int | None = None) -> list[EntryLine]:
    """Return the newest entries, or the newest of those before an id."""
    return [_line(entry) for entry in entries.latest(account_id, count, before)]


def _entry_id(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _GREATEST_ID):
        raise Http404
    return int(text)


def _line(entry: LedgerEntry) -> EntryLine:
    generation = public_id(entry.generation_id) if entry.generation_id else ""
    return EntryLine(entry, _reason(entry), generation)


def _reason(entry: LedgerEntry) -> str:
    """Return the reason, translated where it is ours and not an operator's."""
    if entry.payment_id.startswith(TEST_PAYMENT):
        return _("Test payment")
    if entry.payment_id.startswith(CODE_ENTRY):
        return _("Redemption code %(code)s") % {"code": entry.reason.rpartition(" ")[2]}
    if entry.kind == LedgerEntry.Kind.WRITE_OFF and entry.generation_id:
        return _("The answer cost more than was available.")
    if entry.reason == ANSWER_LOST:
        return _(ANSWER_LOST)
    return entry.reason


def _table(account_id: int) -> StreamingHttpResponse:
    return csv_file(f"ledger-{moscow_day(timezone.now())}.csv", _csv_rows(account_id))


def _csv_rows(account_id: int) -> Iterator[tuple[object, ...]]:
    """Yield the head, then the entries in batches: an account may have millions."""
    yield _COLUMNS
    before: int | None = None
    while batch := entries.latest(account_id, _CSV_BATCH, before):
        yield from map(_cells, batch)
        before = batch[-1].pk


def _cells(entry: LedgerEntry) -> tuple[object, ...]:
    return (
        entry.created_at,
        entry.kind,
        _reason(entry),
        public_id(entry.generation_id) if entry.generation_id else "",
        entry.payment_id,
        credits_of(entry.amount_nano),
        credits_of(entry.balance_nano),
    )
