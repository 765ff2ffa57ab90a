"""The operator hears once that the shop is away or refuses payments, and once that it is well again."""

import pytest

from billing import tasks
from billing.errors import PaymentProviderAway
from billing.payments import shop_faults
from tests.billing.shops import a_minute_passes, pending, shop

__all__ = ["shop"]

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _operator(settings, monkeypatch):
    settings.ALERT_EMAIL = "oncall@example.ru"
    settings.LANGUAGE_CODE = "en"
    monkeypatch.setattr(shop_faults, "TOLD_AFTER_S", 0)


def subjects(mailoutbox):
    assert all(sent.to == ["oncall@example.ru"] for sent in mailoutbox)
    return [sent.subject for sent in mailoutbox]


def refused_to_start():
    with pytest.raises(PaymentProviderAway):
        pending()


def poll():
    a_minute_passes()
    tasks.poll_payments()


def test_a_shop_that_is_away_is_told_of_once_and_once_when_it_is_back(shop, mailoutbox, caplog):
    waiting = [pending(), pending()]
    shop.failures = [500] * 10
    for _ in range(3):
        poll()
    assert subjects(mailoutbox) == ["XRouter: the payment shop does not answer"]
    assert len([each for each in caplog.records if "shop is away" in each.message]) == 1
    shop.failures = []
    for payment in waiting:
        shop.pay(payment.provider_id)
    poll()
    poll()
    assert subjects(mailoutbox)[1:] == ["XRouter: the payment shop answers again"]


def test_a_secret_that_the_shop_refuses_is_told_of_by_name(shop, mailoutbox, settings):
    settings.YOOKASSA_SECRET_KEY = "wrong"
    refused_to_start()
    poll()
    assert "refuses the shop's id or secret" in mailoutbox[0].body


def test_an_outage_that_only_the_search_for_refunds_meets_is_told_of_too(shop, mailoutbox):
    shop.failures = [503, 503]
    tasks.find_refunds()
    poll()
    assert subjects(mailoutbox) == ["XRouter: the payment shop does not answer"]


def test_a_failure_that_is_over_within_the_minute_is_not_told_of(shop, mailoutbox, monkeypatch):
    monkeypatch.setattr(shop_faults, "TOLD_AFTER_S", 60)
    pending()
    shop.failures = [500, 500]
    poll()
    poll()
    assert subjects(mailoutbox) == []


def test_refused_payments_are_told_of_until_one_is_made(shop, mailoutbox):
    shop.refusal = "receipt"
    for _ in range(2):
        refused_to_start()
        poll()
    assert subjects(mailoutbox) == ["XRouter: the payment shop refuses payments"]
    assert "invalid_request receipt" in mailoutbox[0].body
    shop.refusal = ""
    pending()
    poll()
    poll()
    assert subjects(mailoutbox)[1:] == ["XRouter: the payment shop makes payments again"]
