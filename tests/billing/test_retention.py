"""Old generations go, usage by day stays, and the audit knows."""

import datetime as dt

import pytest
from django.db import connection

from billing.ledger.audit import find_drift
from billing.models import Generation, UsageWatermark
from billing.usage import aggregation, retention, usage_days
from infra.moscow_time import moscow_day
from tests.billing.payers import CREDIT, end, open_account, payer, settle_one
from tests.billing.usage_rows import ago, begin, free_rows, raw, read, use

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]

SPAN = dt.date(2020, 1, 1), dt.date(2190, 1, 1)


@pytest.fixture
def account():
    """Return an account that has used something for four months."""
    account = open_account(200 * CREDIT)
    for days in range(0, 120, 3):
        use(payer(account), ago(days=days, hours=3), CREDIT)
    return account


def test_what_is_old_goes_and_the_figures_stay(account, settings):
    settings.GENERATION_RETENTION_DAYS = 40
    aggregation.aggregate()
    before = read(account.pk)

    assert retention.drop_old() > 0

    oldest = min(Generation.objects.values_list("created_at", flat=True))
    assert oldest >= ago(days=40 + (33 if connection.vendor == "postgresql" else 1))
    kept = Generation.objects.filter(created_at__gte=ago(days=40)).count()
    assert kept == len([days for days in range(0, 120, 3) if days < 40])
    assert read(account.pk) == before
    assert list(find_drift()) == []
    assert aggregation.find_drift() == []
    use(payer(account), ago(minutes=1), CREDIT)
    aggregation.aggregate()
    assert retention.drop_old() == 0
    assert sum(figures[0] for figures in read(account.pk).values()) == 41


def test_a_forgery_among_what_is_kept_is_found_still(account, settings):
    settings.GENERATION_RETENTION_DAYS = 40
    aggregation.aggregate()
    retention.drop_old()
    newest = Generation.objects.order_by("-id")[0]
    Generation.objects.filter(pk=newest.pk).update(cost_nano=CREDIT + 1)
    assert len(list(find_drift())) == 2
    assert len(aggregation.find_drift()) == 1
    Generation.objects.filter(pk=newest.pk).update(cost_nano=CREDIT)


def test_zero_days_keep_all(account, settings):
    settings.GENERATION_RETENTION_DAYS = 0
    aggregation.aggregate()
    assert retention.drop_old() == 0
    assert Generation.objects.count() == 40


def test_what_is_not_counted_yet_stays(account, settings):
    settings.GENERATION_RETENTION_DAYS = 1
    assert retention.drop_old() == 0
    assert Generation.objects.count() == 40

    open_since = begin(payer(account), ago(days=90), CREDIT)
    aggregation.aggregate()
    retention.drop_old()

    days = set(Generation.objects.values_list("day", flat=True))
    assert moscow_day(ago(days=90, hours=3)) in days
    settle_one(end(open_since, CREDIT))
    counted_before = usage_days.rows(account.pk, *SPAN, group=())
    aggregation.aggregate()
    assert usage_days.rows(account.pk, *SPAN, group=()) == counted_before
    assert counted_before[0].requests == 41


def test_it_stops_when_its_time_is_over_and_goes_on_the_next_time(account, settings, monkeypatch):
    settings.GENERATION_RETENTION_DAYS = 1
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 3)
    monkeypatch.setattr(retention, "TIME_BUDGET_S", 0.0)
    aggregation.aggregate()
    stays = Generation.objects.filter(id__gte=UsageWatermark.objects.get().counted_until).count()
    retention.drop_old()
    kept_from = UsageWatermark.objects.get().kept_from
    monkeypatch.setattr(retention, "TIME_BUDGET_S", 60.0)
    retention.drop_old()
    assert not Generation.objects.filter(id__lt=kept_from).exists()
    assert Generation.objects.count() >= max(1, stays)
    assert list(find_drift()) == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_postgresql_drops_whole_months_and_makes_no_gap(settings):
    settings.GENERATION_RETENTION_DAYS = 1
    account = open_account()
    this_month = moscow_day(ago()).replace(day=1)
    free_rows(account.pk, 50, ago(days=70), ago(hours=2), seed=4)
    aggregation.aggregate()
    retention.drop_old()
    first_kept = min(this_month, moscow_day(ago(days=3)).replace(day=1))
    assert all(row.day >= first_kept - dt.timedelta(days=1) for row in Generation.objects.all())
    assert raw(account.pk).keys() <= read(account.pk).keys()
