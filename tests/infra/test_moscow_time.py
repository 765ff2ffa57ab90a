"""Moscow's days."""

from datetime import UTC, date, datetime

from infra.moscow_time import midnight, moscow_day


def test_the_day_is_moscows():
    assert moscow_day(datetime(2026, 2, 28, 20, 59, 59, tzinfo=UTC)) == date(2026, 2, 28)
    assert moscow_day(datetime(2026, 2, 28, 21, tzinfo=UTC)) == date(2026, 3, 1)


def test_a_day_begins_at_moscows_midnight():
    assert midnight(date(2026, 3, 1)) == datetime(2026, 2, 28, 21, tzinfo=UTC)
