"""The cabinet's pages of money: topping up, what became of payments, the ledger, the low-balance mail."""

import threading
import uuid

import pytest
from django.db import connection
from django.test import Client

from billing.ledger import low_balance
from billing.models import Payment
from billing.payments import top_ups
from tests.billing.conftest import _books_add_up  # noqa: F401 -- an audit after each test
from tests.billing.payers import CREDIT, ask, hold_one, open_account, pay_in, payer
from tests.billing.shops import credited, shop
from tests.billing.visitors import HOSTILE_AMOUNTS, hidden_value, text_of, visitor

__all__ = ["shop"]

pytestmark = pytest.mark.django_db

PAGE, TOP_UP, TEST = (
    "/cabinet/billing/",
    "/cabinet/billing/top-up/",
    "/cabinet/billing/test-payment/",
)
ALERT, LEDGER = "/cabinet/billing/alert/", "/cabinet/billing/ledger/"


@pytest.fixture
def account():
    return open_account()


@pytest.fixture
def client(account) -> Client:
    return visitor(account)


@pytest.mark.parametrize("path", [PAGE, TOP_UP, TEST, ALERT, LEDGER])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_sent_to_log_in(path, method):
    answer = getattr(Client(), method)(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("path", [TOP_UP, TEST, ALERT])
def test_a_form_without_its_csrf_token_is_refused(shop, account, settings, path):
    settings.DEBUG = True
    strict = visitor(account, enforce_csrf_checks=True)
    assert strict.post(path, {"amount": "100", "threshold": "100"}).status_code == 403
    assert not Payment.objects.exists()
    assert low_balance.threshold_nano(account.pk) is None


@pytest.mark.parametrize("path", [TOP_UP, TEST, ALERT])
def test_the_address_of_a_form_leads_to_its_page(shop, client, path):
    answer = client.get(path, {"amount": "100", "threshold": "100"})
    assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)
    assert not Payment.objects.exists()


def test_the_balance_is_shown_with_what_is_held(account, client):
    pay_in(account, 1_234_500_000_001)
    hold_one(ask(payer(account), 34 * CREDIT))
    text = text_of(client.get(PAGE))
    assert "Available 1,200.50 ₽" in text
    assert "Held for requests that are running: 34.00 ₽;" in text
    assert "On the balance: 1,234.50 ₽" in text


@pytest.mark.parametrize(
    ("typed", "roubles"),
    [("500", "500.00"), ("100,00", "100.00"), ("99.5", "99.50"), ("1 000", "1000.00")],
)
def test_a_top_up_leads_to_where_it_is_paid(shop, account, client, typed, roubles):
    answer = client.post(TOP_UP, {"amount": typed})
    payment = Payment.objects.get(account=account)
    assert (answer.status_code, answer.headers["Location"]) == (302, payment.confirmation_url)
    assert shop.payments[payment.provider_id]["amount"]["value"] == roubles


def test_a_ready_amount_needs_no_typing(shop, account, client):
    client.post(TOP_UP, {"amount": "", "preset": "1000"})
    assert Payment.objects.get(account=account).amount_nano == 1000 * CREDIT


@pytest.mark.parametrize("amount", HOSTILE_AMOUNTS)
def test_an_amount_that_no_top_up_can_have_is_said_at_its_field(shop, client, amount):
    answer = client.post(TOP_UP, {"amount": amount})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'class="form-errors" role="alert"' in page
    assert 'id="id_amount_error"' in page
    assert 'aria-invalid="true"' in page
    assert not shop.asked
    assert not Payment.objects.exists()


def test_what_was_typed_stays_and_is_inert(shop, client):
    answer = client.post(TOP_UP, {"amount": '"><script>alert(1)</script>'})
    assert "&quot;&gt;&lt;script&gt;" in answer.content.decode()
    assert "<script>alert" not in answer.content.decode()


def test_a_form_that_is_sent_twice_makes_one_payment(shop, account, client):
    form = {"amount": "500", "token": hidden_value(client.get(PAGE), "token")}
    answers = [client.post(TOP_UP, form) for _ in range(3)]
    payment = Payment.objects.get(account=account)
    assert {answer.headers["Location"] for answer in answers} == {payment.confirmation_url}
    assert len(shop.payments) == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_forms_that_are_sent_at_once_make_one_payment(shop, account):
    key, together, pages = uuid.uuid4(), threading.Barrier(8), []

    def run():
        together.wait()
        payment = top_ups.start(account.pk, 500 * CREDIT, "https://example.ru", key=key)
        pages.append(payment.confirmation_url)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    payment = Payment.objects.get(account=account)
    assert pages == [payment.confirmation_url] * 8
    assert (payment.status, len(shop.payments)) == ("pending", 1)


def test_another_amount_or_another_form_is_another_payment(shop, account, client):
    token = hidden_value(client.get(PAGE), "token")
    client.post(TOP_UP, {"amount": "500", "token": token})
    client.post(TOP_UP, {"amount": "501", "token": token})
    client.post(TOP_UP, {"amount": "500", "token": hidden_value(client.get(PAGE), "token")})
    client.post(TOP_UP, {"amount": "500", "token": "scribble"})
    amounts = Payment.objects.filter(account=account).order_by("pk")
    assert [payment.amount_nano // CREDIT for payment in amounts] == [500, 501, 500, 500]


def test_a_form_of_another_account_makes_no_payment_of_its(shop, account, client):
    form = {"amount": "500", "token": hidden_value(client.get(PAGE), "token")}
    client.post(TOP_UP, form)
    other = open_account()
    visitor(other).post(TOP_UP, form)
    assert Payment.objects.filter(account=other).count() == 1
    assert Payment.objects.filter(account=account).count() == 1


@pytest.mark.parametrize("failure", [0, 500])
def test_a_payment_service_that_is_away_is_said_and_a_second_try_is_the_same_payment(
    shop, account, client, failure
):
    form = {"amount": "500", "token": hidden_value(client.get(PAGE), "token")}
    shop.failures = [failure] * top_ups.TRIES
    answer = client.post(TOP_UP, form)
    assert answer.status_code == 503
    assert "The payment service does not answer" in text_of(answer)
    assert 'value="500"' in answer.content.decode()
    assert hidden_value(answer, "token") == form["token"]
    assert "not started" in text_of(client.get(PAGE))

    again = client.post(TOP_UP, form)

    payment = Payment.objects.get(account=account)
    assert payment.status == "pending"
    assert again.headers["Location"] == payment.confirmation_url
    assert len(shop.payments) == 1


def test_a_form_sent_again_after_the_payment_shows_what_became_of_it(shop, account, client):
    form = {"amount": "500", "token": hidden_value(client.get(PAGE), "token")}
    client.post(TOP_UP, form)
    payment = Payment.objects.get(account=account)
    shop.pay(payment.provider_id)
    top_ups.refresh(payment)
    answer = client.post(TOP_UP, form)
    assert answer.headers["Location"] == f"/cabinet/billing/payments/{payment.idempotence_key}/"
    assert credited(payment) == [500 * CREDIT]


def test_people_come_back_to_a_page_that_tells_the_truth(shop, account, client):
    client.post(TOP_UP, {"amount": "500"})
    payment = Payment.objects.get(account=account)
    page = f"/cabinet/billing/payments/{payment.idempotence_key}/"
    waiting = client.get(page)
    assert "The payment is on its way." in text_of(waiting)
    assert waiting.headers["Refresh"]
    assert payment.confirmation_url in waiting.content.decode()

    shop.pay(payment.provider_id)
    top_ups.refresh(payment)

    done = client.get(page)
    assert "The payment has come" in text_of(done)
    assert "Refresh" not in done.headers
    assert "credited" in text_of(client.get(PAGE))


def test_a_payment_that_was_given_up_is_called_cancelled(shop, account, client):
    client.post(TOP_UP, {"amount": "500"})
    payment = Payment.objects.get(account=account)
    shop.cancel(payment.provider_id)
    top_ups.refresh(payment)
    answer = client.get(f"/cabinet/billing/payments/{payment.idempotence_key}/")
    assert "The payment was cancelled" in text_of(answer)
    assert credited(payment) == []


def test_the_page_of_a_payment_asks_nobody_and_changes_nothing(shop, account, client):
    client.post(TOP_UP, {"amount": "500"})
    payment = Payment.objects.get(account=account)
    shop.pay(payment.provider_id)
    asked = shop.asked.total()
    client.get(f"/cabinet/billing/payments/{payment.idempotence_key}/")
    assert shop.asked.total() == asked
    assert credited(payment) == []


def test_a_payment_of_another_is_not_found_just_like_none(shop, client):
    foreign = top_ups.start(open_account().pk, 100 * CREDIT, "https://example.ru")
    for key in (foreign.idempotence_key, uuid.uuid4()):
        assert client.get(f"/cabinet/billing/payments/{key}/").status_code == 404


def test_forms_may_end_where_people_pay_on_these_pages_alone(shop, client, settings):
    settings.YOOKASSA_BASE_URL = settings.YOOKASSA_OFFICIAL_URL
    for answer in (client.get(PAGE), client.post(ALERT, {"threshold": "?"})):
        policy = answer.headers["Content-Security-Policy"]
        [directive] = [part for part in policy.split("; ") if part.startswith("form-action")]
        assert directive.split()[1:3] == ["'self'", "https://yoomoney.ru"]
        assert not {"https:", "http:", "*"} & set(directive.split())
    assert "yoomoney" not in client.get(LEDGER).headers["Content-Security-Policy"]


def test_forms_may_end_anywhere_for_another_provider_than_the_official_one(shop, client):
    policy = client.get(PAGE).headers["Content-Security-Policy"]
    assert "form-action 'self' https: http:" in policy


def test_without_a_shop_people_are_told_whom_to_write_to(client, settings):
    settings.SUPPORT_EMAIL = "support@example.ru"
    answer = client.get(PAGE)
    assert "To top up, write to us: support@example.ru" in text_of(answer)
    assert TOP_UP not in answer.content.decode()
    assert TEST not in answer.content.decode()


def test_without_a_shop_a_form_is_answered_as_if_the_service_were_away(client):
    answer = client.post(TOP_UP, {"amount": "500"})
    assert answer.status_code == 503
    assert not Payment.objects.exists()


def test_top_ups_are_limited_by_the_hour(shop, client):
    answers = [client.post(TOP_UP, {"amount": "0"}).status_code for _ in range(21)]
    assert answers == [422] * 20 + [429]


def test_a_low_balance_is_chosen_and_unchosen(account, client):
    assert client.post(ALERT, {"threshold": "99,50"}).headers["Location"] == PAGE
    assert low_balance.threshold_nano(account.pk) == 99_500_000_000
    page = client.get(PAGE)
    assert "when the balance falls below 99.50 ₽" in text_of(page)
    assert 'value="99.50"' in page.content.decode()
    page = client.get(PAGE, headers={"Accept-Language": "ru"})
    assert 'value="99,50"' in page.content.decode()
    client.post(ALERT, {"threshold": ""})
    assert low_balance.threshold_nano(account.pk) is None


@pytest.mark.parametrize("amount", [amount for amount in HOSTILE_AMOUNTS if amount.strip()])
def test_a_low_balance_that_makes_no_sense_is_said_and_nothing_changes(account, client, amount):
    low_balance.choose(account.pk, CREDIT)
    answer = client.post(ALERT, {"threshold": amount})
    assert answer.status_code == 422
    assert 'id="id_threshold_error"' in answer.content.decode()
    assert low_balance.threshold_nano(account.pk) == CREDIT
