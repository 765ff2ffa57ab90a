"""Usage by day: the figures are those of the raw rows, whatever was counted, and when."""

import datetime as dt
import threading

import pytest
from django.db import connection, transaction

from billing.ledger.holds import PlacedHold
from billing.models import Generation, UsageDay, UsageWatermark
from billing.usage import aggregation, usage_days
from billing.usage.generation_ids import least_id_at, time_of
from infra.moscow_time import midnight, moscow_day
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, payer, settle_one
from tests.billing.usage_rows import ago, begin, free_rows, id_at, raw, read, use

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


@pytest.fixture
def account():
    """Return an account that has used something, days ago and just now."""
    account = open_account(100 * CREDIT)
    for hours in (75, 50, 49, 26, 5, 2):
        use(payer(account), ago(hours=hours), CREDIT, tokens_prompt=hours, tokens_cached=1)
        use(payer(account, key_id=2), ago(hours=hours), 3, error_code="client_left")
        use(payer(account, kind="session"), ago(hours=hours, minutes=1), 0, upstream_cost_nano=7)
    use(payer(account), ago(minutes=1), CREDIT, tokens_completion=5)
    return account


def test_the_figures_are_those_of_the_rows_before_and_after_each_of_three_counts(account):
    expected = raw(account.pk)
    assert read(account.pk) == expected
    for _ in range(3):
        aggregation.aggregate()
        assert read(account.pk) == expected
        assert aggregation.find_drift() == []


def test_what_is_older_than_the_slack_is_counted_and_the_rest_is_read_live(account):
    aggregation.aggregate()
    counted = sum(UsageDay.objects.values_list("requests", flat=True))
    assert counted == Generation.objects.count() - 1
    Generation.objects.filter(id__lt=least_id_at(ago(hours=1))).update(tokens_prompt=10**6)
    assert all(figures[2] < 10**6 for figures in read(account.pk).values())


def test_a_second_count_writes_nothing(account):
    assert aggregation.aggregate() > 0
    assert aggregation.aggregate() == 0


def test_a_day_that_grows_is_summed_again_as_a_whole(account):
    aggregation.aggregate()
    UsageDay.objects.update(requests=1000)
    at = ago(minutes=61)
    UsageWatermark.objects.update(counted_until=least_id_at(ago(minutes=62)))
    use(payer(account), at, CREDIT)
    aggregation.aggregate()
    days = UsageDay.objects.filter(day=moscow_day(at))
    assert all(row.requests < 1000 for row in days)


def test_what_is_settled_long_after_its_hold_is_not_lost(account):
    holds = [begin(payer(account), ago(hours=hours), CREDIT) for hours in (60, 3)]
    aggregation.aggregate()
    assert time_of(UsageWatermark.objects.get().counted_until) < ago(hours=59)
    for hold in holds:
        settle_one(end(hold, CREDIT))
        assert read(account.pk) == raw(account.pk)
        aggregation.aggregate()
        assert read(account.pk) == raw(account.pk)
    assert time_of(UsageWatermark.objects.get().counted_until) > ago(hours=2)


def test_what_others_used_is_not_shown(account):
    stranger = open_account(CREDIT)
    use(payer(stranger), ago(hours=3), CREDIT)
    aggregation.aggregate()
    assert read(account.pk) == raw(account.pk)
    assert len(read(stranger.pk)) == 1


def test_days_are_moscow_s_and_both_ends_are_included(account):
    day = moscow_day(ago(hours=48))
    use(payer(account, key_id=9), midnight(day), CREDIT)
    for _ in range(2):
        rows = usage_days.rows(account.pk, day, day)
        assert {row.day for row in rows} == {day}
        assert [row.requests for row in rows if row.credential == ("key", 9)] == [1]
        aggregation.aggregate()


def test_rows_come_newest_first(account):
    aggregation.aggregate()
    days = [
        row.day for row in usage_days.rows(account.pk, dt.date(2020, 1, 1), dt.date(2190, 1, 1))
    ]
    assert days == sorted(days, key=str, reverse=True)


@pytest.mark.parametrize("is_counted", [False, True])
def test_rows_are_grouped_as_is_asked(account, is_counted):
    if is_counted:
        aggregation.aggregate()
    span = dt.date(2020, 1, 1), dt.date(2190, 1, 1)
    [total] = usage_days.rows(account.pk, *span, group=())
    assert (total.day, total.model_id, total.credential) == (None, None, None)
    assert total.requests == 19
    assert total.cost_nano == 7 * CREDIT + 18
    by_key = {
        row.credential: row.requests for row in usage_days.rows(account.pk, *span, ["credential"])
    }
    assert by_key == {("key", 1): 7, ("key", 2): 6, ("session", 1): 6}


def test_many_days_are_counted_in_steps_that_each_stand(account, monkeypatch):
    free_rows(account.pk, 200, ago(days=40), ago(hours=2), seed=1)
    steps = []
    write_days = aggregation._write_days

    def write_and_fail(days, until):
        steps.append(days)
        if len(steps) == 12:
            raise RuntimeError("The process ends here.")
        return write_days(days, until)

    monkeypatch.setattr(aggregation, "_write_days", write_and_fail)
    with pytest.raises(RuntimeError):
        aggregation.aggregate()
    assert read(account.pk) == raw(account.pk)
    assert UsageDay.objects.exists()
    aggregation.aggregate()
    assert read(account.pk) == raw(account.pk)
    assert max(map(len, steps)) <= 3


def test_a_wrong_figure_is_found(account):
    aggregation.aggregate()
    row = UsageDay.objects.order_by("day")[0]
    UsageDay.objects.filter(pk=row.pk).update(cost_nano=row.cost_nano + 1)
    [drift] = aggregation.find_drift()
    assert drift.startswith(f"account {account.pk} on {row.day}")


def test_an_account_that_used_nothing_has_no_rows():
    assert usage_days.rows(open_account().pk, dt.date(2020, 1, 1), dt.date(2190, 1, 1)) == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_hold_that_is_being_written_is_not_passed_by(account):
    """Its transaction began before the count, and ends after it."""
    is_written, may_end = threading.Event(), threading.Event()
    request = ask(payer(account), CREDIT, generation_id=id_at(ago(minutes=59)))

    def write() -> None:
        with transaction.atomic():
            holds.append(hold_one(request))
            is_written.set()
            may_end.wait(60)
        connection.close()

    holds: list[PlacedHold] = []
    thread = threading.Thread(target=write)
    thread.start()
    assert is_written.wait(60)
    aggregation.aggregate()
    may_end.set()
    thread.join()
    settle_one(end(holds[0], CREDIT))
    assert read(account.pk) == raw(account.pk)
    aggregation.aggregate()
    assert read(account.pk) == raw(account.pk)
