"""GET /v1/activity: an account's usage by day, model and key, as JSON or CSV."""

from datetime import date, timedelta

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from billing.usage.usage_table import DEFAULT_DAYS, MOST_DAYS, NamedRow, csv_text, named_rows
from gateway.api.body import JSONObject
from gateway.api.json_response import JSONResponse, credits_number
from gateway.api.schema.parsing import parse
from gateway.api.schema.queries import ActivityQuery
from gateway.api.view import View
from gateway.pipeline.errors import InvalidParameter
from infra.moscow_time import moscow_day


class ActivityView(View):
    """The rows of all the account's credentials, newest first.

    `since` and `until` are days of Moscow, both included; by default the last 30 days. `format` is
    `json` or `csv`.
    """

    scope = "usage"

    def get(self, request: Request) -> HttpResponse:
        query = parse(ActivityQuery, request.GET.dict())
        rows = self.rows(request, query)
        if query.format == "csv":
            return _table(rows)
        return JSONResponse({"data": [self.card(row) for row in rows]})

    def rows(self, request: Request, query: ActivityQuery) -> list[NamedRow]:
        """Return what the query asks for. Raises InvalidParameter."""
        return named_rows(self.caller.account_id, *_period(query))

    def card(self, row: NamedRow) -> JSONObject:
        """Return a row of the table."""
        return _card(row)


def _period(query: ActivityQuery) -> tuple[date, date]:
    """Return the first and the last day. Raises InvalidParameter."""
    until = query.until or moscow_day(timezone.now())
    since = query.since or until - timedelta(days=DEFAULT_DAYS - 1)
    if not since <= until < since + timedelta(days=MOST_DAYS):
        raise InvalidParameter(
            f"since must be a day before until, at most {MOST_DAYS} days of them.", param="since"
        )
    return since, until


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
