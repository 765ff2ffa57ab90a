"""Top-ups by card: credited once, by what the provider itself says."""

import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from billing import payments
from billing.errors import InvalidAmount, NoShop, PaymentProviderAway
from billing.models import LedgerEntry, Payment
from tests.billing.payers import CREDIT, open_account
from tests.billing.shops import RETURN_URL, a_minute_passes, credited, pending, shop

__all__ = ["shop"]

pytestmark = pytest.mark.django_db


def test_a_payment_is_created_with_its_amount_and_a_page_to_pay_at(shop):
    payment = pending("1234.5")
    created = shop.payments[payment.provider_id]
    assert created["amount"] == {"value": "1234.50", "currency": "RUB"}
    assert payment.confirmation_url == created["confirmation"]["confirmation_url"]
    assert (payment.status, payment.amount_nano) == ("pending", 1234_500_000_000)
    assert credited(payment) == []


@pytest.mark.parametrize(
    "amount",
    ["0", "-1", "0.001", "0.99", "1.001", "1000000.01", "1e9", "1e308", "NaN", "sNaN", "Infinity"],
)
def test_an_amount_that_no_top_up_can_have_is_refused(shop, amount):
    with pytest.raises(InvalidAmount):
        payments.start(open_account().pk, Decimal(amount), RETURN_URL)
    assert not shop.asked
    assert not Payment.objects.exists()


@pytest.mark.parametrize("amount", ["1", "1.00", "1.10", "1E+3", "1000000", "1.000"])
def test_the_bounds_themselves_are_amounts(shop, amount):
    assert pending(amount).amount_nano == int(Decimal(amount) * CREDIT)


@pytest.mark.parametrize("name", ["YOOKASSA_SHOP_ID", "YOOKASSA_SECRET_KEY"])
def test_without_a_shop_or_its_secret_nothing_is_asked(shop, settings, name):
    setattr(settings, name, "")
    with pytest.raises(NoShop):
        pending()
    assert payments.poll_pending() == 0
    assert not shop.asked


@pytest.mark.parametrize("failures", [[0], [500], [429, 503], [202]])
def test_a_creation_is_repeated_and_makes_one_payment(shop, failures):
    shop.failures = list(failures)
    payment = pending()
    assert list(shop.payments) == [payment.provider_id]
    assert shop.asked["POST /v3/payments"] == len(failures) + 1


@pytest.mark.parametrize("failure", [0, 401, 403, 500, 502])
def test_a_creation_that_fails_for_good_says_so_and_leaves_nothing_pending(shop, failure):
    shop.failures = [failure] * 3
    with pytest.raises(PaymentProviderAway):
        pending()
    assert Payment.objects.get().status == "canceled"


def test_a_provider_that_is_not_there_is_away(shop):
    payment = pending()
    shop.close()
    with pytest.raises(PaymentProviderAway):
        payments.refresh(payment)
    with pytest.raises(PaymentProviderAway):
        pending()


def test_a_wrong_secret_is_not_taken_for_an_answer(shop, settings):
    settings.YOOKASSA_SECRET_KEY = "wrong"
    with pytest.raises(PaymentProviderAway):
        pending()
    assert not shop.payments


def test_what_is_paid_is_credited_once(shop):
    payment = pending()
    shop.pay(payment.provider_id)
    for _ in range(3):
        assert payments.refresh(payment).status == "succeeded"
    assert credited(payment) == [100 * CREDIT]
    entry = LedgerEntry.objects.get(kind="top_up", account=payment.account_id)
    assert Payment.objects.get().entry_id == entry.pk
    assert entry.payment_id == payment.provider_id


def test_what_is_credited_stays_so_whatever_comes_later(shop):
    payment = pending()
    shop.pay(payment.provider_id)
    payments.refresh(payment)
    shop.cancel(payment.provider_id)
    assert payments.refresh(payment).status == "succeeded"
    assert credited(payment) == [100 * CREDIT]


def test_what_was_canceled_is_credited_when_it_was_paid_after_all(shop):
    payment = pending()
    shop.cancel(payment.provider_id)
    payment = payments.refresh(payment)
    assert (payment.status, credited(payment)) == ("canceled", [])
    shop.pay(payment.provider_id)
    assert payments.refresh(payment).status == "succeeded"
    assert credited(payment) == [100 * CREDIT]


@pytest.mark.parametrize(
    "change",
    [
        {"amount": {"value": "100.01", "currency": "RUB"}},
        {"amount": {"value": "99.99", "currency": "RUB"}},
        {"amount": {"value": "100.001", "currency": "RUB"}},
        {"amount": {"value": "100.00", "currency": "USD"}},
        {"amount": {"value": "NaN", "currency": "RUB"}},
        {"recipient": {"account_id": "7654321", "gateway_id": "2000001"}},
        {"paid": False},
        {"paid": "true"},
        {"status": "waiting_for_capture"},
        {"status": "pending"},
    ],
)
def test_what_is_not_the_payment_that_was_asked_for_is_not_credited(shop, change):
    payment = pending()
    shop.pay(payment.provider_id)
    shop.payments[payment.provider_id] |= change
    assert payments.refresh(payment).status == "pending"
    assert credited(payment) == []


@pytest.mark.parametrize(
    "document",
    [{}, {"id": "other", "status": "succeeded"}, {"amount": "100"}, {"amount": {"value": "much"}}],
)
def test_an_answer_that_is_no_payment_is_a_failure(shop, document):
    payment = pending()
    kept = {"id": payment.provider_id, "status": "succeeded", "paid": True}
    shop.payments[payment.provider_id] = kept | document
    with pytest.raises(PaymentProviderAway):
        payments.refresh(payment)
    assert credited(payment) == []


def test_the_poll_credits_what_no_notice_told_of(shop):
    paid, given_up, waiting = pending("10"), pending("20"), pending("30")
    shop.pay(paid.provider_id)
    shop.cancel(given_up.provider_id)
    a_minute_passes()

    assert payments.poll_pending() == 1

    assert credited(paid) == [10 * CREDIT]
    assert set(Payment.objects.values_list("provider_id", "status")) == {
        (paid.provider_id, "succeeded"),
        (given_up.provider_id, "canceled"),
        (waiting.provider_id, "pending"),
    }


def test_the_poll_asks_for_each_payment_at_most_every_twenty_seconds(shop):
    payment = pending()
    assert payments.poll_pending() == 0
    assert shop.asked[f"GET /v3/payments/{payment.provider_id}"] == 0
    a_minute_passes()
    for _ in range(3):
        payments.poll_pending()
    assert shop.asked[f"GET /v3/payments/{payment.provider_id}"] == 1


def test_the_poll_credits_after_an_outage_of_the_provider(shop):
    payment = pending()
    shop.pay(payment.provider_id)
    shop.failures = [500]
    a_minute_passes()
    assert payments.poll_pending() == 0
    a_minute_passes()
    assert payments.poll_pending() == 1
    assert credited(payment) == [100 * CREDIT]


def test_a_payment_that_the_provider_does_not_know_is_given_up_after_a_day(shop):
    payment, other = pending("10"), pending("20")
    del shop.payments[payment.provider_id]
    shop.pay(other.provider_id)
    a_minute_passes()
    assert payments.poll_pending() == 1
    assert Payment.objects.get(pk=payment.pk).status == "pending"
    Payment.objects.update(created_at=timezone.now() - dt.timedelta(days=2))
    a_minute_passes()
    payments.poll_pending()
    assert Payment.objects.get(pk=payment.pk).status == "canceled"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_payment_that_all_credit_at_once_is_credited_once(shop):
    payment = pending()
    shop.pay(payment.provider_id)
    a_minute_passes()
    together = threading.Barrier(12)
    outcomes = []

    def run(number):
        together.wait()
        if number % 3:
            outcomes.append(payments.refresh(payment).status)
        else:
            payments.poll_pending()
        connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["succeeded"] * 8
    assert credited(payment) == [100 * CREDIT]
    assert shop.asked[f"GET /v3/payments/{payment.provider_id}"] <= 9
