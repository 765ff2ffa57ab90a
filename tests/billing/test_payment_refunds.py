"""Refunds at the shop: taken back once, by what the provider itself says, with or without a notice."""

import json
import threading

import pytest
from django.db import connection

from billing import tasks
from billing.ledger import balances, ledger
from billing.models import LedgerEntry, PaymentRefund
from billing.payments import refunds, top_ups
from tests.billing.payers import CREDIT
from tests.billing.shops import credited, pending, shop
from tests.web.test_payment_webhook import send

__all__ = ["shop"]

pytestmark = pytest.mark.django_db


def paid(shop, roubles="100.00"):
    """Return a payment that was paid and credited."""
    payment = pending(roubles)
    shop.pay(payment.provider_id)
    return top_ups.refresh(payment)


def posted(payment):
    return balances.exact(payment.account_id).posted_nano


def test_a_notice_takes_back_what_the_shop_has_given_back_whole_or_in_part(shop):
    payment = paid(shop)
    for value, left in (("30.00", 70), ("69.99", 0.01), ("0.01", 0)):
        answer = send(shop.refund_notice(shop.refund(payment.provider_id, value)))
        assert (answer.status_code, json.loads(answer.content)) == (200, {"status": "succeeded"})
        assert posted(payment) == int(left * CREDIT)
    entries = LedgerEntry.objects.filter(kind="returned")
    assert all(payment.provider_id in entry.reason for entry in entries)


def test_fifty_notices_and_the_search_take_it_back_once(shop):
    payment = paid(shop)
    notice = shop.refund_notice(shop.refund(payment.provider_id, "40.00"))
    assert {send(notice).status_code for _ in range(50)} == {200}
    assert refunds.find_missed() == 0
    assert posted(payment) == 60 * CREDIT


def test_a_refund_of_what_is_spent_takes_the_balance_below_zero(shop):
    payment = paid(shop)
    other = ledger.adjust(payment.account_id, -90 * CREDIT, reason="Spent.", actor_id=None)
    assert other.balance_nano == 10 * CREDIT
    send(shop.refund_notice(shop.refund(payment.provider_id, "100.00")))
    assert posted(payment) == -90 * CREDIT


def test_refunds_without_a_notice_are_found(shop):
    payments = [paid(shop), paid(shop), paid(shop)]
    for payment in payments:
        shop.refund(payment.provider_id, "10.00")
        shop.refund(payment.provider_id, "5.00")
    shop.page_items = 4
    tasks.find_refunds()
    tasks.find_refunds()
    assert [posted(payment) for payment in payments] == [85 * CREDIT] * 3
    assert PaymentRefund.objects.count() == 6


def test_a_payment_that_the_shop_does_not_know_any_more_keeps_no_refund_from_being_found(shop):
    lost, found = [pending(), pending()], paid(shop)
    for payment in (lost[0], found, lost[1]):
        shop.refund(payment.provider_id, "10.00")
    for payment in lost:
        del shop.payments[payment.provider_id]
    tasks.find_refunds()
    assert posted(found) == 90 * CREDIT


def test_a_refund_of_a_payment_that_is_not_credited_yet_credits_it_first(shop):
    payment = pending()
    shop.pay(payment.provider_id)
    shop.refund(payment.provider_id, "100.00")
    assert refunds.find_missed() == 1
    assert (credited(payment), posted(payment)) == ([100 * CREDIT], 0)


@pytest.mark.parametrize("status", ["pending", "canceled"])
def test_a_refund_that_has_not_succeeded_takes_nothing(shop, status):
    payment = paid(shop)
    refund_id = shop.refund(payment.provider_id, "10.00", status=status)
    answer = send(shop.refund_notice(refund_id, status="succeeded"))
    assert json.loads(answer.content) == {"status": "ignored"}
    assert refunds.find_missed() == 0
    assert posted(payment) == 100 * CREDIT


def test_what_the_provider_does_not_know_or_what_is_not_ours_is_ignored(shop):
    payment, other = paid(shop), paid(shop)
    shop.refund("of-another-service", "10.00")
    assert refunds.find_missed() == 0
    notices = [
        shop.refund_notice("made-up", payment_id=payment.provider_id),
        shop.refund_notice("made-up", payment_id="made-up"),
    ]
    for notice in notices:
        assert json.loads(send(notice).content) == {"status": "ignored"}
    refund_id = shop.refund(other.provider_id, "10.00")
    send(shop.refund_notice(refund_id, payment_id=payment.provider_id))
    assert posted(payment) == 100 * CREDIT


@pytest.mark.parametrize(
    "amount",
    [
        {"value": "100.01", "currency": "RUB"},
        {"value": "-1.00", "currency": "RUB"},
        {"value": "NaN", "currency": "RUB"},
        {"value": "10.00", "currency": "USD"},
    ],
)
def test_a_refund_that_cannot_be_one_of_the_payment_is_noted_once_and_not_booked(
    shop, caplog, django_capture_on_commit_callbacks, amount
):
    payment = paid(shop)
    shop.refund(payment.provider_id, "1.00", amount=amount)
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(3):
            refunds.find_missed()
    assert posted(payment) == 100 * CREDIT
    assert PaymentRefund.objects.get().note
    assert len([record for record in caplog.records if "not booked" in record.message]) == 1


def test_while_the_provider_is_away_the_notice_is_to_come_again(shop):
    payment = paid(shop)
    notice = shop.refund_notice(shop.refund(payment.provider_id, "10.00"))
    shop.failures = [500]
    assert send(notice).status_code == 503
    shop.failures = [500]
    tasks.find_refunds()
    assert posted(payment) == 100 * CREDIT
    assert send(notice).status_code == 200
    assert posted(payment) == 90 * CREDIT


@pytest.mark.parametrize("field", ["id", "payment_id"])
def test_a_notice_of_a_refund_names_refund_and_payment(shop, field):
    answer = send(shop.refund_notice("a-refund", **{"payment_id": "a-payment", field: None}))
    assert answer.status_code == 400
    assert json.loads(answer.content)["error"]["param"] == f"object.{field}"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_refund_that_all_take_back_at_once_is_taken_back_once(shop):
    payment = paid(shop)
    notice = shop.refund_notice(shop.refund(payment.provider_id, "40.00"))
    together = threading.Barrier(8)
    statuses = []

    def run(number):
        together.wait()
        if number % 2:
            statuses.append(send(notice).status_code)
        else:
            refunds.find_missed()
        connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
    assert posted(payment) == 60 * CREDIT
