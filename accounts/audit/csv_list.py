"""A list of the admin as a spreadsheet: its columns, of all rows that its filters leave."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Any

from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from infra.moscow_time import MOSCOW, moscow_day
from infra.replica import chosen
from infra.rouble_text import amount_of
from infra.spreadsheet import csv_file

ROWS_AT_ONCE = 1_000
MOST_ROWS = 100_000
"""What one file holds; the rest comes with narrower filters."""


def csv_of_list(model_admin: Any, changelist: Any, request: Any) -> StreamingHttpResponse:
    """Return the rows of a changelist as a file."""
    columns = [name for name in changelist.list_display if name != "action_checkbox"]
    rows = changelist.get_queryset(request)[:MOST_ROWS].using(chosen()).iterator(ROWS_AT_ONCE)
    # A database that is away is found now, while another can be read instead.
    rows = chain(list(islice(rows, 1)), rows)
    name = f"{model_admin.opts.model_name}-{moscow_day(timezone.now())}.csv"
    return csv_file(name, _rows(model_admin, columns, rows))


def _rows(model_admin: Any, columns: list[str], rows: Iterator[Model]) -> Iterator[list[object]]:
    yield [str(label_for_field(column, model_admin.model, model_admin)) for column in columns]
    for row in rows:
        yield [_cell(model_admin, column, row) for column in columns]


def _cell(model_admin: Any, column: str, row: Model) -> object:
    try:
        field, _attr, value = lookup_field(column, row, model_admin)
    except ObjectDoesNotExist:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(MOSCOW).isoformat(sep=" ", timespec="seconds")
    if field is not None and getattr(field, "choices", None):
        return str(getattr(row, f"get_{field.name}_display")())
    match value:
        case None:
            return ""
        case bool():
            return _("Yes") if value else _("No")
        case int() | float():
            return value
    text = strip_tags(str(value))
    amount = amount_of(text)  # a number, which a spreadsheet can add up
    return text if amount is None else amount
