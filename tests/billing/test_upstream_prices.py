"""What we pay providers: dated like what callers pay, never changed once in force, marked up exactly."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from billing.models import Price, UpstreamPrice
from billing.prices import current_prices, current_upstream_prices, date_prices
from billing.pricing import PriceValue, Rates
from tests.accounts.operators import seat
from xrouter_site import env

NAME = ("gigachat", "Giga-Test")

rates = st.integers(0, 10**9)
percents = st.decimals(0, 99_999, places=6)


def dated(days: float, prompt_nano: int = 100, upstream_id: str = NAME[1]) -> UpstreamPrice:
    return UpstreamPrice.objects.create(
        provider=NAME[0],
        upstream_id=upstream_id,
        valid_from=timezone.now() + dt.timedelta(days=days),
        prompt_nano=prompt_nano,
        completion_nano=2,
        cached_nano=0,
    )


@pytest.mark.django_db
def test_the_newest_price_that_is_valid_is_in_force():
    dated(-9, 10)
    newest = dated(-1, 11)
    dated(1, 12)
    other = dated(-5, 13, "Giga-Other")

    now = current_upstream_prices(timezone.now())

    assert now[NAME] == PriceValue(newest.pk, 11, 2, 0)
    assert now["gigachat", "Giga-Other"] == PriceValue(other.pk, 13, 2, 0)
    assert current_upstream_prices(timezone.now() + dt.timedelta(days=2))[NAME].prompt_nano == 12
    assert NAME not in current_upstream_prices(timezone.now() - dt.timedelta(days=10))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change", [{"prompt_nano": 0}, {"completion_nano": -1}, {"cached_nano": -1}]
)
def test_the_database_refuses_a_price_that_cannot_be(change):
    price = dated(1)
    with pytest.raises(IntegrityError), transaction.atomic():
        UpstreamPrice.objects.filter(pk=price.pk).update(**change)


@pytest.mark.django_db
def test_the_database_refuses_two_prices_of_one_moment():
    first, second = dated(1), dated(2)
    with pytest.raises(IntegrityError), transaction.atomic():
        UpstreamPrice.objects.filter(pk=second.pk).update(valid_from=first.valid_from)


@pytest.mark.django_db
def test_a_price_in_force_is_history_at_the_admin_and_one_to_come_is_not():
    operator_client = seat(
        Client(), User.objects.create_superuser("operator@example.ru", "a long password")
    )
    past, future = dated(-1), dated(1)
    change: dict[str, object] = {"provider": NAME[0], "upstream_id": NAME[1]}
    change |= {"prompt": "0.007", "completion": "0.007", "_confirmed": "yes"}
    change |= {"valid_from_0": "2100-01-01", "valid_from_1": "00:00:00"}

    refused, done = (
        operator_client.post(reverse("admin:billing_upstreamprice_change", args=[price.pk]), change)
        for price in (past, future)
    )

    assert (refused.status_code, done.status_code) == (403, 302)
    assert [UpstreamPrice.objects.get(pk=p.pk).prompt_nano for p in (past, future)] == [100, 7]
    path = reverse("admin:billing_upstreamprice_delete", args=[past.pk])
    assert operator_client.post(path).status_code == 403


@pytest.mark.django_db
def test_dating_the_same_prices_twice_adds_nothing():
    wanted = {"a": Rates(3, 4, 0), "b": Rates(5, 6, 1)}

    assert date_prices(wanted, None) == ["a", "b"]
    assert date_prices(wanted, None) == []
    assert date_prices(wanted | {"a": Rates(3, 4, 1)}, None) == ["a"]
    assert Price.objects.filter(model_id__in=wanted).count() == 3
    assert current_prices(timezone.now())["a"].rates == Rates(3, 4, 1)


@pytest.mark.django_db
def test_what_is_dated_to_come_may_be_dated_again_and_what_is_in_force_stays():
    date_prices({"a": Rates(1, 1, 0)}, None)
    tomorrow = timezone.now() + dt.timedelta(days=1)

    date_prices({"a": Rates(2, 2, 0)}, tomorrow)
    date_prices({"a": Rates(3, 3, 0)}, tomorrow)

    rows = Price.objects.filter(model_id="a").order_by("valid_from")
    assert list(rows.values_list("prompt_nano", flat=True)) == [1, 3]
    with pytest.raises(ValueError, match="has passed"):
        date_prices({"a": Rates(9, 9, 0)}, timezone.now() - dt.timedelta(seconds=1))
    assert rows.count() == 2


@given(rates, rates, rates, percents)
def test_a_margin_is_exact_and_rounded_up(prompt_nano, completion_nano, cached_nano, percent):
    listed = (prompt_nano, completion_nano, cached_nano)

    marked = Rates(*listed).with_margin(percent)

    for nano, before in zip(
        (marked.prompt_nano, marked.completion_nano, marked.cached_nano), listed, strict=True
    ):
        exact = before * (100 + Fraction(percent)) / 100
        assert exact <= nano < exact + 1


def test_a_margin_of_nothing_changes_nothing():
    assert Rates(65_001, 1, 0).with_margin(Decimal(0)) == Rates(65_001, 1, 0)
    assert Rates(1, 65_000, 0).with_margin(Decimal("12.5")) == Rates(2, 73_125, 0)


@pytest.mark.parametrize("text", ["-1", "+1", "1e3", "nan", "1,5", "٣", "100000", "1 0", "5%"])
def test_what_is_no_percentage_stops_the_start(text, monkeypatch):
    monkeypatch.setenv("PRICE_MARGIN_PERCENT", text)

    with pytest.raises(
        ImproperlyConfigured, match=r"PRICE_MARGIN_PERCENT is .*: write a percentage"
    ):
        env.percentage("PRICE_MARGIN_PERCENT")


def test_the_margin_is_read_exactly_and_is_nothing_by_default(monkeypatch):
    monkeypatch.setenv("PRICE_MARGIN_PERCENT", " 12.345678 ")
    assert env.percentage("PRICE_MARGIN_PERCENT") == Decimal("12.345678")
    monkeypatch.delenv("PRICE_MARGIN_PERCENT")
    assert env.percentage("PRICE_MARGIN_PERCENT") == 0
