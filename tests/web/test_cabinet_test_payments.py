"""The test payments of the cabinet: credits that nobody paid, while developing alone."""

import pytest
from django.test import Client

from accounts import suspension
from billing.models import LedgerEntry
from tests.billing.conftest import _books_add_up  # noqa: F401 -- an audit after each test
from tests.billing.payers import CREDIT, open_account
from tests.billing.shops import shop
from tests.billing.visitors import HOSTILE_AMOUNTS, hidden_value, text_of, visitor

__all__ = ["shop"]

pytestmark = pytest.mark.django_db

PAGE, TEST = "/cabinet/billing/", "/cabinet/billing/test-payment/"


@pytest.fixture
def account():
    return open_account()


@pytest.fixture
def client(account) -> Client:
    return visitor(account)


def test_test_payments_are_offered_while_developing(account, client, settings):
    settings.DEBUG = True
    page = client.get(PAGE)
    assert TEST in page.content.decode()
    form = {"amount": "700", "token": hidden_value(page, "token")}
    for _ in range(2):
        assert client.post(TEST, form).headers["Location"] == PAGE
    entry = LedgerEntry.objects.get(account=account)
    assert (entry.kind, entry.amount_nano, entry.reason) == ("top_up", 700 * CREDIT, "Test payment")
    assert entry.payment_id.startswith("test-payment-")
    assert "Test payment" in text_of(client.get(PAGE))


def test_a_suspended_account_is_not_topped_up(account, client, settings):
    settings.DEBUG = True
    form = {"amount": "700", "token": hidden_value(client.get(PAGE), "token")}
    suspension.suspend(account=account, reason="spam")
    response = client.post(TEST, form)
    assert response.status_code == 422
    assert "Приостановленн" in text_of(response) or "suspended" in text_of(response)
    assert not LedgerEntry.objects.filter(account=account).exists()


def test_no_test_payment_is_made_outside_of_development(account, client, settings):
    settings.DEBUG = False
    assert TEST not in client.get(PAGE).content.decode()
    assert client.post(TEST, {"amount": "700"}).status_code == 404
    assert not LedgerEntry.objects.filter(account=account).exists()


def test_no_test_payment_is_made_where_there_is_a_shop(shop, account, client, settings):
    settings.DEBUG = True
    assert TEST not in client.get(PAGE).content.decode()
    assert client.post(TEST, {"amount": "700"}).status_code == 404
    assert not LedgerEntry.objects.filter(account=account).exists()


@pytest.mark.parametrize("amount", HOSTILE_AMOUNTS)
def test_a_test_payment_keeps_the_bounds_of_a_real_one(account, client, settings, amount):
    settings.DEBUG = True
    assert client.post(TEST, {"amount": amount}).status_code == 422
    assert not LedgerEntry.objects.filter(account=account).exists()
