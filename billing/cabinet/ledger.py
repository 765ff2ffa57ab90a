"""/cabinet/billing/ledger/: every movement of an account's money, newest first, and all of it as CSV."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.sessions import account_of
from billing.constants import MOSCOW
from billing.generations import public_id
from billing.models import LedgerEntry
from billing.payments import TEST_PAYMENT
from billing.periods import moscow_day
from billing.pricing import credits_text
from billing.usage_table import csv_cell

PAGE_ENTRIES = 50

_COLUMNS = ("date", "kind", "reason", "generation", "payment", "amount", "balance")
_CSV_BATCH = 1000
_GREATEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class EntryLine:
    """An entry as people read it. `generation` is the request's public id, empty where there is none."""

    entry: LedgerEntry
    reason: str
    generation: str


@never_cache
@login_required
@require_safe
def ledger(request: HttpRequest) -> HttpResponseBase:
    """Show the entries before the one named by `before`, or send them all as CSV."""
    account_id = account_of(request).pk
    if request.GET.get("format") == "csv":
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
    """Return so many of the entries before one, newest first."""
    return [_line(entry) for entry in _entries(account_id, count, before)]


def _entries(account_id: int, count: int, before: int | None) -> list[LedgerEntry]:
    entries = LedgerEntry.objects.filter(account=account_id)
    if before is not None:
        entries = entries.filter(pk__lt=before)
    return list(entries.order_by("-pk")[:count])


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
    """Return why, in the reader's language where the words are ours and not an operator's."""
    if entry.payment_id.startswith(TEST_PAYMENT):
        return _("Test payment")
    if entry.kind == LedgerEntry.Kind.WRITE_OFF and entry.generation_id:
        return _("The answer cost more than was available.")
    return entry.reason


def _table(account_id: int) -> HttpResponse | StreamingHttpResponse:
    name = f"ledger-{moscow_day(timezone.now())}.csv"
    return StreamingHttpResponse(
        _csv(account_id),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _csv(account_id: int) -> Iterator[str]:
    """Read and write the entries by the batch: an account may have millions."""
    yield _rows([_COLUMNS])
    before: int | None = None
    while entries := _entries(account_id, _CSV_BATCH, before):
        yield _rows([_cells(entry) for entry in entries])
        before = entries[-1].pk


def _cells(entry: LedgerEntry) -> tuple[str, ...]:
    return (
        entry.created_at.astimezone(MOSCOW).isoformat(timespec="seconds"),
        entry.kind,
        csv_cell(_reason(entry)),
        public_id(entry.generation_id) if entry.generation_id else "",
        csv_cell(entry.payment_id),
        credits_text(entry.amount_nano),
        credits_text(entry.balance_nano),
    )


def _rows(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
