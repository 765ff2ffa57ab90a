"""POST /webhooks/yookassa: whoever sends whatever, only what the provider itself says is credited."""

import json
import threading
from ipaddress import ip_network

import pytest
from django.db import connection
from django.test import RequestFactory

from billing.models import Payment
from tests.billing.payers import CREDIT
from tests.billing.shops import credited, pending, shop
from web.payment_webhook import yookassa_webhook

__all__ = ["shop"]

pytestmark = pytest.mark.django_db

YOOKASSA = "77.75.153.9"


def send(body, *, sender=YOOKASSA, content_type="application/json", **headers):
    request = RequestFactory().post(
        "/webhooks/yookassa", body, content_type=content_type, REMOTE_ADDR=sender, **headers
    )
    return yookassa_webhook(request)


def test_a_notice_credits_what_was_paid(shop):
    payment = pending()
    shop.pay(payment.provider_id)
    answer = send(shop.notice(payment.provider_id))
    assert (answer.status_code, json.loads(answer.content)) == (200, {"status": "succeeded"})
    assert credited(payment) == [100 * CREDIT]


def test_fifty_notices_credit_it_once(shop):
    payment = pending()
    shop.pay(payment.provider_id)
    notice = shop.notice(payment.provider_id)
    assert {send(notice).status_code for _ in range(50)} == {200}
    assert credited(payment) == [100 * CREDIT]
    assert shop.asked[f"GET /v3/payments/{payment.provider_id}"] == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_fifty_notices_at_once_credit_it_once(shop):
    payment = pending()
    shop.pay(payment.provider_id)
    notice = shop.notice(payment.provider_id)
    together = threading.Barrier(10)
    statuses: list[int] = []

    def run():
        together.wait()
        statuses.extend(send(notice).status_code for _ in range(5))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 50
    assert credited(payment) == [100 * CREDIT]


def test_a_forged_notice_credits_nothing(shop):
    payment = pending()
    forged = {"status": "succeeded", "paid": True, "amount": {"value": "1.00", "currency": "RUB"}}
    answer = send(shop.notice(payment.provider_id, **forged))
    assert json.loads(answer.content) == {"status": "pending"}
    assert credited(payment) == []


def test_the_amount_of_a_notice_counts_for_nothing(shop):
    payment = pending()
    shop.pay(payment.provider_id)
    forged = {"amount": {"value": "900000.00", "currency": "RUB"}}
    assert send(shop.notice(payment.provider_id, **forged)).status_code == 200
    assert credited(payment) == [100 * CREDIT]


def test_notices_in_any_order_come_to_the_same(shop):
    payment = pending()
    early = shop.notice(payment.provider_id)
    shop.pay(payment.provider_id)
    late = shop.notice(payment.provider_id)
    canceled = shop.notice(payment.provider_id, status="canceled", paid=False)
    for notice in (canceled, late, early, canceled, late):
        assert send(notice).status_code == 200
    assert credited(payment) == [100 * CREDIT]
    assert Payment.objects.get().status == "succeeded"


def test_a_canceled_payment_is_over(shop):
    payment = pending()
    shop.cancel(payment.provider_id)
    assert send(shop.notice(payment.provider_id)).status_code == 200
    assert (Payment.objects.get().status, credited(payment)) == ("canceled", [])


def test_a_payment_that_is_none_of_ours_is_ignored(shop):
    answer = send(shop.notice("2d9d5b6e-000f-5000-8000-1a2b3c4d5e6f"))
    assert (answer.status_code, json.loads(answer.content)) == (200, {"status": "ignored"})
    assert not shop.asked


def test_while_the_provider_is_away_the_notice_is_to_come_again(shop):
    payment = pending()
    shop.pay(payment.provider_id)
    shop.failures = [500]
    answer = send(shop.notice(payment.provider_id))
    assert (answer.status_code, credited(payment)) == (503, [])
    assert answer.headers["Retry-After"] == "60"
    assert send(shop.notice(payment.provider_id)).status_code == 200
    assert credited(payment) == [100 * CREDIT]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"payment", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"object": null}', 400),
        (b'{"object": {"id": 7}}', 400),
        (b'{"object": {"id": "../../me"}}', 400),
        (b'{"object": {"id": ""}}', 400),
        (b'{"object": {"id": "%s"}}' % (b"a" * 65), 400),
        (b"[" * 5000, 400),
        (b'{"object": "%s"}' % (b"a" * 1024 * 1024), 413),
    ],
)
def test_what_is_no_notice_is_refused(shop, body, status):
    answer = send(body)
    assert answer.status_code == status
    assert json.loads(answer.content)["error"]["type"] == "invalid_request_error"
    assert not shop.asked


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_a_notice_is_posted(shop, method):
    request = getattr(RequestFactory(), method)("/webhooks/yookassa")
    answer = yookassa_webhook(request)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("name", ["YOOKASSA_SHOP_ID", "YOOKASSA_SECRET_KEY"])
def test_without_a_secret_nothing_is_believed(shop, settings, name):
    payment = pending()
    shop.pay(payment.provider_id)
    setattr(settings, name, "")
    assert send(shop.notice(payment.provider_id)).status_code == 503
    assert credited(payment) == []


def test_only_the_listed_networks_may_send(shop, settings):
    settings.YOOKASSA_WEBHOOK_NETWORKS = [
        ip_network("77.75.153.0/25"),
        ip_network("2a02:5180::/32"),
    ]
    payment = pending()
    shop.pay(payment.provider_id)
    notice = shop.notice(payment.provider_id)
    assert send(notice, sender="77.75.153.200").status_code == 403
    assert send(notice, sender="8.8.8.8", HTTP_X_FORWARDED_FOR=YOOKASSA).status_code == 403
    assert send(notice, sender="8.8.8.8", HTTP_CF_CONNECTING_IP=YOOKASSA).status_code == 403
    assert credited(payment) == []
    assert not any(asked.startswith("GET") for asked in shop.asked)
    assert send(notice, sender="::ffff:77.75.153.9").status_code == 200
    assert credited(payment) == [100 * CREDIT]


def test_behind_a_trusted_proxy_the_client_is_the_sender(shop, settings):
    settings.YOOKASSA_WEBHOOK_NETWORKS = [ip_network("77.75.153.0/25")]
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    payment = pending()
    shop.pay(payment.provider_id)
    notice = shop.notice(payment.provider_id)
    assert send(notice, sender="10.0.0.1", HTTP_X_FORWARDED_FOR="8.8.8.8").status_code == 403
    assert send(notice, sender="10.0.0.1", HTTP_X_FORWARDED_FOR=YOOKASSA).status_code == 200
    assert credited(payment) == [100 * CREDIT]
