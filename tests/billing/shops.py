"""A shop at the payment provider, and payments of it."""

import datetime as dt
from collections.abc import Iterator

import pytest
from django.db import connection
from django.utils import timezone

from billing.models import LedgerEntry, Payment
from billing.payments import top_ups
from infra.credits import parse_credits
from tests.billing.payers import open_account
from tests.billing.payment_api import SECRET_KEY, SHOP_ID, PaymentAPI

RETURN_URL = "https://api.example.ru/cabinet/billing/"


@pytest.fixture
def shop(settings) -> Iterator[PaymentAPI]:
    """Return the provider of the shop that the service is configured for."""
    api = PaymentAPI()
    settings.YOOKASSA_SHOP_ID, settings.YOOKASSA_SECRET_KEY = SHOP_ID, SECRET_KEY
    settings.YOOKASSA_BASE_URL = api.url
    settings.YOOKASSA_WEBHOOK_NETWORKS = []
    yield api
    api.close()


def pending(roubles: str = "100.00") -> Payment:
    """Return a payment of a new account that waits to be paid."""
    return top_ups.start(open_account().pk, parse_credits(roubles), RETURN_URL)


def credited(payment: Payment) -> list[int]:
    """Return what the account of a payment was credited for it."""
    entries = LedgerEntry.objects.filter(account=payment.account_id, kind="top_up")
    return list(entries.values_list("amount_nano", flat=True))


def a_minute_passes() -> None:
    asked_at = timezone.now() - dt.timedelta(minutes=1)
    Payment.objects.filter(status="pending").update(asked_at=asked_at)


def asked_a_minute_ago(fraction: str) -> None:
    """Write when payments were asked for as SQLite itself does: as text, with three decimals."""
    asked_at = timezone.now() - dt.timedelta(minutes=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_payment SET asked_at = %s", [f"{asked_at:%Y-%m-%d %H:%M:%S}.{fraction}"]
        )
