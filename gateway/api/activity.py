"""GET /v1/activity: an account's usage by day, model and key, as JSON or as a table."""

import csv
import io
from datetime import date, timedelta

from django.db import DatabaseError, InterfaceError
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from accounts.credential_labels import credential_labels
from billing import usage
from billing.errors import MoneyStoreUnavailable
from billing.periods import moscow_day
from billing.pricing import credits_text
from billing.usage import UsageRow
from gateway.api.envelopes import JSONObject, credits_number
from gateway.api.errors import BadRequest
from gateway.api.view import JSONResponse, View

DEFAULT_DAYS = 30
MOST_DAYS = 366

_COLUMNS = ("date", "model", "key", "requests", "tokens_prompt", "tokens_completion", "usage")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class ActivityView(View):
    """The rows of all the account's credentials, newest first, from `since` to `until`, both included.

    Days are Moscow's; without `since` they are the last thirty.
    """

    scope = "usage"

    def get(self, request: Request) -> HttpResponse:
        until = _day(request, "until") or moscow_day(timezone.now())
        since = _day(request, "since") or until - timedelta(days=DEFAULT_DAYS - 1)
        if not since <= until < since + timedelta(days=MOST_DAYS):
            raise _wrong("since", f"a day before until, at most {MOST_DAYS} days of them")
        form = request.GET.get("format", "json")
        if form not in {"json", "csv"}:
            raise _wrong("format", "json or csv")
        account_id = self.caller.account_id
        rows = usage.rows(account_id, since, until)
        try:
            labels = credential_labels(
                account_id, {row.credential for row in rows if row.credential}
            )
        except (DatabaseError, InterfaceError) as error:
            raise MoneyStoreUnavailable from error
        named = [(row, labels[row.credential] if row.credential else "") for row in rows]
        if form == "csv":
            return _table(named)
        return JSONResponse({"data": [_card(row, label) for row, label in named]})


def csv_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _day(request: Request, name: str) -> date | None:
    text = request.GET.get(name, "")
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _wrong(name, "a day such as 2026-01-31") from None
    if not 2000 <= day.year < 2200:
        raise _wrong(name, "a day of these times")
    return day


def _wrong(name: str, wanted: str) -> BadRequest:
    return BadRequest(f"{name} must be {wanted}.", code="invalid_parameter", param=name)


def _card(row: UsageRow, label: str) -> JSONObject:
    return {
        "date": row.day,
        "model": row.model_id,
        "key": label,
        "requests": row.requests,
        "tokens_prompt": row.tokens_prompt,
        "tokens_completion": row.tokens_completion,
        "usage": credits_number(row.cost_nano),
    }


def _table(named: list[tuple[UsageRow, str]]) -> HttpResponse:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    for row, label in named:
        card = _card(row, csv_cell(label)) | {"usage": credits_text(row.cost_nano)}
        card["model"] = csv_cell(row.model_id or "")
        table.writerow([card[column] for column in _COLUMNS])
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="activity.csv"'
    return response
