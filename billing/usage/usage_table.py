"""Usage with the names of credentials, and as CSV that is safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import DatabaseError, InterfaceError

from accounts.keys.labels import credential_labels
from billing.errors import MoneyStoreUnavailable
from billing.usage import usage_days
from billing.usage.usage_days import UsageRow
from infra.credits import credits_text
from infra.replica import from_replica
from infra.spreadsheet import csv_cell

DEFAULT_DAYS = 30
MOST_DAYS = 366

USAGE_COLUMNS = ("date", "model", "key", "requests", "tokens_prompt", "tokens_completion", "usage")


@dataclass(frozen=True, slots=True)
class NamedRow:
    """What one credential used of one model on one day; `key` is the credential's name."""

    used: UsageRow
    key: str


@from_replica
def named_rows(account_id: int, since: date, until: date) -> list[NamedRow]:
    """Return an account's usage between two days in Moscow, both included, newest first.

    Raises MoneyStoreUnavailable.
    """
    rows = usage_days.rows(account_id, since, until)
    try:
        labels = credential_labels(account_id, {row.credential for row in rows if row.credential})
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error
    return [NamedRow(row, labels[row.credential] if row.credential else "") for row in rows]


def csv_text(rows: Sequence[NamedRow]) -> str:
    """Return the rows as CSV with a header."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(USAGE_COLUMNS)
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
