"""The months of the generations' table, on PostgreSQL."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from billing.models import Generation
from billing.usage import partitions
from billing.usage.generation_ids import least_id_at
from infra.moscow_time import midnight, moscow_day
from tests.billing.payers import CREDIT, open_account, payer
from tests.billing.usage_rows import ago, free_rows, raw, use


def test_the_months_of_a_year_leave_no_gap():
    month = dt.date(2025, 11, 1)
    for _ in range(14):
        after = partitions.next_month(month)
        assert partitions.bounds(month)[1] == partitions.bounds(after)[0]
        assert (after - month).days in {28, 29, 30, 31}
        month = after
    assert month == dt.date(2027, 1, 1)


def where(account_id: int) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tableoid::regclass::text FROM billing_generation"
            " WHERE account_id = %s",
            [account_id],
        )
        return {name for (name,) in cursor.fetchall()}


def names() -> list[str]:
    with connection.cursor() as cursor:
        return [f"billing_generation_{month:%Y_%m}" for month in partitions._months(cursor)]


@pytest.mark.postgres
@pytest.mark.django_db
def test_a_generation_lies_in_its_month():
    account = open_account(CREDIT)
    use(payer(account), timezone.now(), CREDIT)
    assert where(account.pk) == {f"billing_generation_{moscow_day(timezone.now()):%Y_%m}"}


@pytest.mark.postgres
@pytest.mark.django_db
def test_months_are_made_ahead_once():
    assert partitions.make_ahead() == 0
    month = moscow_day(timezone.now()).replace(day=1)
    for _ in range(partitions.MONTHS_AHEAD):
        month = partitions.next_month(month)
    assert f"billing_generation_{month:%Y_%m}" in names()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE billing_generation_{month:%Y_%m}")
    assert partitions.make_ahead() == 1


@pytest.mark.postgres
@pytest.mark.django_db
def test_a_month_that_comes_late_takes_its_rows_from_the_default_one():
    account = open_account()
    month = dt.date(2023, 5, 1)
    free_rows(account.pk, 20, midnight(month), midnight(dt.date(2023, 6, 1)), seed=5)
    before = raw(account.pk)
    assert where(account.pk) == {"billing_generation_default"}

    partitions.make(month)

    assert where(account.pk) == {"billing_generation_2023_05"}
    assert raw(account.pk) == before


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_months_that_ended_are_dropped_whole_and_no_other():
    account = open_account()
    for month in (dt.date(2023, 4, 1), dt.date(2023, 5, 1)):
        partitions.make(month)
    free_rows(account.pk, 30, midnight(dt.date(2023, 4, 1)), midnight(dt.date(2023, 6, 1)), seed=6)

    assert partitions.drop_before(dt.date(2023, 5, 31)) == 1

    assert "billing_generation_2023_04" not in names()
    boundary = least_id_at(midnight(dt.date(2023, 5, 1)))
    assert Generation.objects.exists()
    assert not Generation.objects.filter(id__lt=boundary).exists()
    assert partitions.drop_before(dt.date(2023, 6, 1)) == 1
    assert not Generation.objects.exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_division_keeps_every_row_both_ways():
    account = open_account(CREDIT)
    use(payer(account), ago(days=1), CREDIT)
    free_rows(account.pk, 50, ago(days=100), ago(days=2), seed=7)
    before = raw(account.pk)
    try:
        call_command("migrate", "billing", "0004", verbosity=0)
        assert where(account.pk) == {"billing_generation"}
        assert raw(account.pk) == before
    finally:
        call_command("migrate", verbosity=0)  # what stands on it in other apps too
    assert len(where(account.pk)) >= 3
    assert "billing_generation_default" not in where(account.pk)
    assert raw(account.pk) == before
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "billing_generation")
    assert {"generations_of_an_account", "generations_of_a_key"} <= found.keys()
    assert any(constraint["check"] for constraint in found.values())
