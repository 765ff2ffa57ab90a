"""An operator gives a payment back at the shop: whole or in part, once, with a receipt."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.audit.log import AuditEntry
from accounts.models import User
from billing.ledger import balances
from billing.models import LedgerEntry, Payment, PaymentRefund
from billing.payments import refunds, top_ups
from tests.accounts.operators import seat
from tests.accounts.page_forms import fields_of
from tests.billing.payers import CREDIT
from tests.billing.payment_api import PaymentAPI
from tests.billing.shops import pending, shop

__all__ = ["shop"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def operator_client() -> Client:
    operator = User.objects.create_superuser("operator@example.ru", "a long password of theirs")
    return seat(Client(headers={"accept-language": "en"}), operator)


@pytest.fixture
def payment(shop: PaymentAPI) -> Payment:
    made = pending()
    shop.pay(str(made.provider_id))
    return top_ups.refresh(made)


def page_of(payment: Payment) -> str:
    return reverse("admin:billing_payment_refund", args=[payment.pk])


def give_back(client: Client, payment: Payment, **typed: Any) -> Any:
    page = page_of(payment)
    return client.post(page, fields_of(client.get(page)) | {"reason": "asked for it"} | typed)


def test_a_part_and_then_the_rest_are_given_back(
    operator_client: Client, payment: Payment, shop: PaymentAPI, settings: Any
):
    settings.YOOKASSA_VAT_CODE = 1
    assert give_back(operator_client, payment, amount="30,50").status_code == 302
    assert balances.exact(payment.account_id).posted_nano == 69 * CREDIT + CREDIT // 2
    receipt = shop.bodies[-1]["receipt"]
    assert receipt["items"][0]["amount"]["value"] == "30.50"
    assert receipt["customer"]["email"] == payment.account.owner.email

    assert give_back(operator_client, payment).status_code == 302  # the rest is filled in
    assert balances.exact(payment.account_id).posted_nano == 0
    assert PaymentRefund.objects.filter(entry__isnull=False).count() == 2
    refused = give_back(operator_client, payment, amount="1")
    assert refused.status_code == 422
    acts = AuditEntry.objects.filter(action="refund")
    assert {act.reason for act in acts} == {"asked for it"}


def test_a_form_sent_twice_and_its_notice_are_one_refund(
    operator_client: Client, payment: Payment, shop: PaymentAPI
):
    form = fields_of(operator_client.get(page_of(payment))) | {"amount": "10", "reason": "twice"}
    for _ in range(2):
        operator_client.post(page_of(payment), form)
    [refund_id] = shop.refunds
    refunds.follow(payment, refund_id)
    assert LedgerEntry.objects.filter(kind="returned").count() == 1
    assert balances.exact(payment.account_id).posted_nano == 90 * CREDIT


@pytest.mark.parametrize(
    "typed",
    [{"amount": "0"}, {"amount": "-1"}, {"amount": "100,01"}, {"amount": "0.001"}, {"reason": " "}],
)
def test_what_cannot_be_given_back_asks_the_shop_nothing(
    operator_client: Client, payment: Payment, shop: PaymentAPI, typed: dict[str, str]
):
    assert give_back(operator_client, payment, **typed).status_code == 422
    assert not shop.refunds


def test_a_shop_that_refuses_is_told_of(
    operator_client: Client, payment: Payment, shop: PaymentAPI
):
    shop.failures = [400]
    assert "The shop refuses" in give_back(operator_client, payment).content.decode()
    assert not PaymentRefund.objects.exists()


def test_who_may_only_look_gives_nothing_back(payment: Payment):
    reader = User.objects.create_user("reader@example.ru", "a long password of theirs")
    reader.is_staff = True
    reader.save()
    reader.user_permissions.add(Permission.objects.get(codename="view_payment"))
    client = seat(Client(), reader)
    assert client.get(page_of(payment)).status_code == 403
