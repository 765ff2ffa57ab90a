"""Usage as people read it: each row with the name of its credential, and as CSV that no spreadsheet runs."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import DatabaseError, InterfaceError

from accounts.credential_labels import credential_labels
from billing import usage
from billing.errors import MoneyStoreUnavailable
from billing.pricing import credits_text
from billing.usage import UsageRow

DEFAULT_DAYS = 30
MOST_DAYS = 366

_COLUMNS = ("date", "model", "key", "requests", "tokens_prompt", "tokens_completion", "usage")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class NamedRow:
    """What one credential used of one model on one day; `key` is what people call the credential."""

    used: UsageRow
    key: str


def named_rows(account_id: int, since: date, until: date) -> list[NamedRow]:
    """Return an account's usage of Moscow's days, both included, newest first.

    Raises MoneyStoreUnavailable.
    """
    rows = usage.rows(account_id, since, until)
    try:
        labels = credential_labels(account_id, {row.credential for row in rows if row.credential})
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
    return [NamedRow(row, labels[row.credential] if row.credential else "") for row in rows]


def csv_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def csv_text(rows: Sequence[NamedRow]) -> str:
    """Return the rows as CSV under a head of column names."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    for row in rows:
        used = row.used
        table.writerow(
            [
                used.day,
                csv_cell(used.model_id or ""),
                csv_cell(row.key),
                used.requests,
                used.tokens_prompt,
                used.tokens_completion,
                credits_text(used.cost_nano),
            ]
        )
    return text.getvalue()
