"""GET /v1/activity: an account's usage by day, model and key, as JSON or as a table."""

from datetime import date, timedelta

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from billing.periods import moscow_day
from billing.usage_table import DEFAULT_DAYS, MOST_DAYS, NamedRow, csv_text, named_rows
from gateway.api.envelopes import JSONObject, credits_number
from gateway.api.errors import BadRequest
from gateway.api.view import JSONResponse, View


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
        rows = named_rows(self.caller.account_id, since, until)
        if form == "csv":
            return _table(rows)
        return JSONResponse({"data": [_card(row) for row in rows]})


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


def _card(row: NamedRow) -> JSONObject:
    used = row.used
    return {
        "date": used.day,
        "model": used.model_id,
        "key": row.key,
        "requests": used.requests,
        "tokens_prompt": used.tokens_prompt,
        "tokens_completion": used.tokens_completion,
        "usage": credits_number(used.cost_nano),
    }


def _table(rows: list[NamedRow]) -> HttpResponse:
    response = HttpResponse(csv_text(rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="activity.csv"'
    return response
