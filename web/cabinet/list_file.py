"""A list of the cabinet as a file: `?format=csv` at its page sends all its rows, in the words of the page."""

import html
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.http import HttpRequest, StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import strip_tags

from infra.moscow_time import moscow_day
from infra.spreadsheet import csv_file

Row = TypeVar("Row")


def is_file_wanted(request: HttpRequest) -> bool:
    """Say whether the page is asked for as a file."""
    return request.GET.get("format") == "csv"


def list_file(
    name: str, columns: dict[str, Callable[[Row], object]], rows: Iterable[Row]
) -> StreamingHttpResponse:
    """Return a file with a column for each head. All is read now, while an error still has a page."""
    cells = [[cell(row) for cell in columns.values()] for row in rows]
    return csv_file(f"{name}-{moscow_day(timezone.now())}.csv", [list(columns), *cells])


def text_of(template: str, **context: object) -> str:
    """Return what a part of a page says."""
    return " ".join(html.unescape(strip_tags(render_to_string(template, context))).split())
