"""The periods of a key's budget."""

from datetime import UTC, date, datetime

import pytest

from billing.periods import moscow_day, period_start


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


def test_the_day_is_moscows():
    assert moscow_day(datetime(2026, 2, 28, 20, 59, 59, tzinfo=UTC)) == date(2026, 2, 28)
    assert moscow_day(datetime(2026, 2, 28, 21, tzinfo=UTC)) == date(2026, 3, 1)
