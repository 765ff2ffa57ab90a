"""Tables for spreadsheets: CSV as Excel of a Russian system opens it, and safe to open."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from django.http import StreamingHttpResponse

from infra.moscow_time import MOSCOW

BYTE_ORDER_MARK = "\ufeff"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
ROWS_AT_ONCE = 500


def csv_cell(text: str) -> str:
    """Escape a text that a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def csv_file(name: str, rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """Return the rows as a file: UTF-8 with a byte order mark, `;` between cells, a comma in decimals."""
    return StreamingHttpResponse(
        _pieces(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _pieces(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    text = io.StringIO()
    text.write(BYTE_ORDER_MARK)
    table = csv.writer(text, delimiter=";")
    for number, row in enumerate(rows, 1):
        table.writerow([_cell(value) for value in row])
        if number % ROWS_AT_ONCE == 0:
            yield _taken(text)
    yield _taken(text)


def _cell(value: object) -> object:
    match value:
        case Decimal():  # what a Russian spreadsheet takes for a number
            return f"{value.normalize():f}".replace(".", ",")
        case int() | float():
            return value
        case datetime():
            return value.astimezone(MOSCOW).isoformat(timespec="seconds")
    return csv_cell("" if value is None else str(value))


def _taken(text: io.StringIO) -> str:
    piece = text.getvalue()
    text.seek(0)
    text.truncate()
    return piece
