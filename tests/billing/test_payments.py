"""Top-ups by card: credited once, by what the provider itself says."""

import datetime as dt
import json
import threading
from collections.abc import Iterator

import pytest
from django.db import connection
from django.utils import timezone

from billing.errors import InvalidAmount, NoShop, PaymentProviderAway
from billing.models import LedgerEntry, Payment
from billing.payments import top_ups, yookassa
from infra.credits import parse_credits
from tests.billing.payers import CREDIT, open_account
from tests.billing.shops import (
    RETURN_URL,
    a_minute_passes,
    asked_a_minute_ago,
    credited,
    pending,
    shop,
)
from tests.providers import canned
from tests.providers.canned import CannedRequest, CannedServer, Step

__all__ = ["shop"]

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


def test_a_payment_is_created_with_its_amount_and_a_page_to_pay_at(shop):
    payment = pending("1234.5")
    created = shop.payments[payment.provider_id]
    assert created["amount"] == {"value": "1234.50", "currency": "RUB"}
    assert payment.confirmation_url == created["confirmation"]["confirmation_url"]
    assert (payment.status, payment.amount_nano) == ("pending", 1234_500_000_000)
    assert credited(payment) == []


def test_what_is_pending_is_counted_and_the_oldest_one_has_its_age(shop):
    assert top_ups.pending() == (0, 0.0)
    paid, waiting = pending(), pending()
    number, oldest_s = top_ups.pending()
    assert number == 2
    assert 0 <= oldest_s < 60
    for payment, age in ((paid, 9000), (waiting, 7300)):
        payment.created_at = timezone.now() - dt.timedelta(seconds=age)
        payment.save(update_fields=["created_at"])
    assert 9000 <= top_ups.pending()[1] < 9060
    Payment.objects.filter(pk=paid.pk).update(status=Payment.Status.CANCELED)
    number, oldest_s = top_ups.pending()
    assert number == 1
    assert 7300 <= oldest_s < 7360


def test_a_receipt_goes_with_a_payment_where_a_vat_code_is_set(shop, settings):
    pending("1234.5")
    assert "receipt" not in shop.bodies[-1]

    settings.YOOKASSA_VAT_CODE, settings.YOOKASSA_TAX_SYSTEM_CODE = 4, 2
    payment = pending("1234.5")
    receipt = shop.bodies[-1]["receipt"]
    assert receipt["customer"] == {"email": payment.account.owner.email}
    assert receipt["tax_system_code"] == 2
    [item] = receipt["items"]
    assert item.pop("description")
    assert item == {
        "quantity": "1.00",
        "amount": {"value": "1234.50", "currency": "RUB"},
        "vat_code": 4,
        "payment_subject": "service",
        "payment_mode": "full_payment",
    }


@pytest.mark.parametrize(
    "amount",
    [
        "0",
        "-1",
        "0.001",
        "0.99",
        "1.001",
        "1.000000001",
        "1000000.01",
        "1000000.000000001",
        "999999999999",
    ],
)
def test_an_amount_that_no_top_up_can_have_is_refused(shop, amount):
    with pytest.raises(InvalidAmount):
        top_ups.start(open_account().pk, parse_credits(amount), RETURN_URL)
    assert not shop.asked
    assert not Payment.objects.exists()


@pytest.mark.parametrize("amount", ["1", "1.00", "1.10", "1000", "1000000", "1.000"])
def test_the_bounds_themselves_are_amounts(shop, amount):
    assert pending(amount).amount_nano == parse_credits(amount)


@pytest.mark.parametrize("name", ["YOOKASSA_SHOP_ID", "YOOKASSA_SECRET_KEY"])
def test_without_a_shop_or_its_secret_nothing_is_asked(shop, settings, name):
    setattr(settings, name, "")
    with pytest.raises(NoShop):
        pending()
    assert top_ups.poll_pending() == 0
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
        top_ups.refresh(payment)
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
        assert top_ups.refresh(payment).status == "succeeded"
    assert credited(payment) == [100 * CREDIT]
    entry = LedgerEntry.objects.get(kind="top_up", account=payment.account_id)
    assert Payment.objects.get().entry_id == entry.pk
    assert entry.payment_id == payment.provider_id


def test_what_is_credited_stays_so_whatever_comes_later(shop):
    payment = pending()
    shop.pay(payment.provider_id)
    top_ups.refresh(payment)
    shop.cancel(payment.provider_id)
    assert top_ups.refresh(payment).status == "succeeded"
    assert credited(payment) == [100 * CREDIT]


def test_what_was_canceled_is_credited_when_it_was_paid_after_all(shop):
    payment = pending()
    shop.cancel(payment.provider_id)
    payment = top_ups.refresh(payment)
    assert (payment.status, credited(payment)) == ("canceled", [])
    shop.pay(payment.provider_id)
    assert top_ups.refresh(payment).status == "succeeded"
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
        {"metadata": {"payment": "another"}},
    ],
)
def test_a_payment_that_was_paid_otherwise_is_over_and_shown_to_the_operator(
    shop, settings, caplog, mailoutbox, django_capture_on_commit_callbacks, change
):
    settings.ALERT_EMAIL = "oncall@example.ru"
    payment = pending()
    shop.pay(payment.provider_id)
    shop.payments[payment.provider_id] |= change
    with django_capture_on_commit_callbacks(execute=True):
        payment = top_ups.refresh(payment)
        a_minute_passes()
        assert top_ups.poll_pending() == 0
        assert top_ups.refresh(payment).status == "mismatched"
    assert (payment.status, credited(payment)) == ("mismatched", [])
    assert payment.note
    assert shop.asked[f"GET /v3/payments/{payment.provider_id}"] == 1
    assert [record.levelname for record in caplog.records if "not credited" in record.message] == [
        "ERROR"
    ]
    assert [mail.to for mail in mailoutbox] == [["oncall@example.ru"]]


@pytest.mark.parametrize(
    "change",
    [
        {"paid": False},
        {"paid": "true"},
        {"status": "waiting_for_capture"},
        {"status": "pending"},
    ],
)
def test_what_is_not_paid_yet_is_not_credited(shop, change):
    payment = pending()
    shop.pay(payment.provider_id)
    shop.payments[payment.provider_id] |= change
    assert top_ups.refresh(payment).status == "pending"
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
        top_ups.refresh(payment)
    assert credited(payment) == []


def test_an_answer_nested_beyond_reading_is_a_failure_and_keeps_no_other_payment_waiting(shop):
    broken, paid = pending("10"), pending("20")
    shop.unreadable[broken.provider_id] = b"[" * 100_000
    shop.pay(paid.provider_id)
    a_minute_passes()
    assert top_ups.poll_pending() == 1
    assert credited(paid) == [20 * CREDIT]


def test_a_shop_that_answers_byte_by_byte_is_left_when_its_time_is_over(
    shop, settings, monkeypatch
):
    payment = pending()
    shop.pay(payment.provider_id)
    answer = canned.reply(json.dumps(shop.payments[payment.provider_id]))
    sent = bytearray()

    def drip(_: CannedRequest) -> Iterator[Step]:
        for byte in answer:
            yield 0.01
            yield bytes([byte])
            sent.append(byte)

    with CannedServer(drip) as server, monkeypatch.context() as patched:
        patched.setattr(yookassa, "TOTAL_TIMEOUT_S", 0.3)
        settings.YOOKASSA_BASE_URL = f"{server.url}/v3"
        with pytest.raises(PaymentProviderAway):
            top_ups.refresh(payment)
    assert len(sent) < len(answer)
    settings.YOOKASSA_BASE_URL = shop.url
    assert top_ups.refresh(payment).status == "succeeded"


def test_an_answer_of_too_many_bytes_is_a_failure(shop):
    payment = pending()
    shop.pay(payment.provider_id)
    shop.payments[payment.provider_id]["description"] = "x" * yookassa.MOST_ANSWER_BYTES
    with pytest.raises(PaymentProviderAway):
        top_ups.refresh(payment)
    assert credited(payment) == []


def test_a_shop_that_is_slow_is_asked_no_more_when_the_time_for_it_is_over(shop, monkeypatch):
    monkeypatch.setattr(top_ups, "TIME_BUDGET_S", 0.0)
    shop.failures = [500, 500]
    with pytest.raises(PaymentProviderAway):
        pending()
    assert shop.asked["POST /v3/payments"] == 1


def test_the_poll_credits_what_no_notice_told_of(shop):
    paid, given_up, waiting = pending("10"), pending("20"), pending("30")
    shop.pay(paid.provider_id)
    shop.cancel(given_up.provider_id)
    a_minute_passes()

    assert top_ups.poll_pending() == 1

    assert credited(paid) == [10 * CREDIT]
    assert set(Payment.objects.values_list("provider_id", "status")) == {
        (paid.provider_id, "succeeded"),
        (given_up.provider_id, "canceled"),
        (waiting.provider_id, "pending"),
    }


@pytest.mark.parametrize("fraction", ["000", "123"])
def test_the_poll_asks_for_a_payment_whose_time_the_database_wrote(shop, fraction):
    payment = pending()
    asked_a_minute_ago(fraction)
    shop.pay(payment.provider_id)
    assert top_ups.poll_pending() == 1
    assert credited(payment) == [100 * CREDIT]


def test_the_poll_asks_for_each_payment_at_most_every_twenty_seconds(shop):
    payment = pending()
    assert top_ups.poll_pending() == 0
    assert shop.asked[f"GET /v3/payments/{payment.provider_id}"] == 0
    a_minute_passes()
    for _ in range(3):
        top_ups.poll_pending()
    assert shop.asked[f"GET /v3/payments/{payment.provider_id}"] == 1


def test_the_poll_credits_after_an_outage_of_the_provider(shop):
    payment = pending()
    shop.pay(payment.provider_id)
    shop.failures = [500]
    a_minute_passes()
    assert top_ups.poll_pending() == 0
    a_minute_passes()
    assert top_ups.poll_pending() == 1
    assert credited(payment) == [100 * CREDIT]


def test_a_payment_that_the_provider_does_not_know_is_given_up_after_a_day(shop):
    payment, other = pending("10"), pending("20")
    del shop.payments[payment.provider_id]
    shop.pay(other.provider_id)
    a_minute_passes()
    assert top_ups.poll_pending() == 1
    assert Payment.objects.get(pk=payment.pk).status == "pending"
    Payment.objects.update(created_at=timezone.now() - dt.timedelta(days=2))
    a_minute_passes()
    top_ups.poll_pending()
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
            outcomes.append(top_ups.refresh(payment).status)
        else:
            top_ups.poll_pending()
        connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["succeeded"] * 8
    assert credited(payment) == [100 * CREDIT]
    assert shop.asked[f"GET /v3/payments/{payment.provider_id}"] <= 9
