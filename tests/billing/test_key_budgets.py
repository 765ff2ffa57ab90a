"""The periods of a key's budget."""

from datetime import date

import pytest

from billing.ledger.key_budgets import period_start


@pytest.mark.parametrize(
    ("reset", "start"),
    [
        ("daily", date(2026, 3, 1)),
        ("weekly", date(2026, 2, 23)),
        ("monthly", date(2026, 3, 1)),
        (None, date.min),
    ],
)
def test_a_period_begins_where_the_contract_says(reset, start):
    sunday = date(2026, 3, 1)
    assert period_start(reset, sunday) == start


def test_a_week_begins_on_monday():
    monday = date(2026, 3, 2)
    assert period_start("weekly", monday) == monday
