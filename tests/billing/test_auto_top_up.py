"""Automatic top-ups: one payment at a time with a saved method, below the threshold, never above the cap."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import suspension
from accounts.audit.log import AuditEntry
from accounts.models import Account, User
from billing.errors import InvalidAmount, NoSavedMethod
from billing.ledger import balances, ledger
from billing.models import AutoTopUp, LedgerEntry, Payment
from billing.payments import auto_top_up, top_ups
from billing.payments.auto_top_up import Terms
from tests.billing.payers import CREDIT, open_account
from tests.billing.payment_api import PaymentAPI
from tests.billing.shops import RETURN_URL, asked_a_minute_ago, shop
from tests.billing.visitors import text_of, visitor

__all__ = ["shop"]

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]

TERMS = Terms(500 * CREDIT, 1000 * CREDIT, 2500 * CREDIT)
PAGE, TURN_ON = "/cabinet/billing/", "/cabinet/billing/auto-top-up/"
OFF, FORGET = f"{TURN_ON}off/", f"{TURN_ON}forget/"
TYPED = {
    "auto-threshold": "500",
    "auto-amount": "1000",
    "auto-month_cap": "2500",
    "auto-consent": "on",
}


def pay_by_hand(account: Account, shop: PaymentAPI, *, saves: bool) -> Payment:
    """Return a payment of 100 roubles that the account's owner has paid."""
    payment = top_ups.start(account.pk, 100 * CREDIT, RETURN_URL, saves_method=saves)
    shop.pay(str(payment.provider_id))
    return top_ups.refresh(payment)


@pytest.fixture
def payer(shop: PaymentAPI) -> Account:
    """Return an account with a balance of 100 roubles and a saved card."""
    account = open_account()
    pay_by_hand(account, shop, saves=True)
    return account


@pytest.fixture
def automatic(payer: Account) -> Account:
    """Return one that has automatic top-ups of 1000 roubles below 500, at most 2500 a month."""
    User.objects.update(language="en")
    auto_top_up.turn_on(payer.pk, TERMS)
    return payer


def balance(account: Account) -> int:
    return balances.exact(account.pk).posted_nano // CREDIT


def spend(account: Account, roubles: int) -> None:
    ledger.adjust(account.pk, -roubles * CREDIT, reason="Spent.", actor_id=None)


def automatic_payments(account: Account) -> list[str]:
    payments = Payment.objects.filter(account=account).exclude(method_id="")
    return list(payments.order_by("pk").values_list("status", flat=True))


def time_passes(account: Account, **passed: int) -> None:
    """Move all that is waited for back by so much."""
    ago = dt.timedelta(**passed)
    for payment in Payment.objects.filter(account=account).exclude(method_id=""):
        Payment.objects.filter(pk=payment.pk).update(
            asked_at=payment.asked_at - ago, created_at=payment.created_at - ago
        )
    saved = AutoTopUp.objects.get(account=account)
    if saved.retry_at is not None:
        AutoTopUp.objects.filter(account=account).update(retry_at=saved.retry_at - ago)


def test_a_card_is_saved_with_a_paid_payment_that_asked_for_it(shop):
    account = open_account()
    pay_by_hand(account, shop, saves=False)
    assert "save_payment_method" not in shop.bodies[-1]
    assert auto_top_up.of(account.pk) is None
    payment = pay_by_hand(account, shop, saves=True)
    assert shop.bodies[-1]["save_payment_method"] is True
    saved = AutoTopUp.objects.get(pk=account.pk)
    assert (saved.method_id, saved.method_title) == (payment.provider_id, "MasterCard *4444")
    assert not saved.is_on
    assert AuditEntry.objects.filter(action="add", object_kind="billing.autotopup").count() == 1


def test_what_the_shop_did_not_save_is_not_kept(shop):
    account = open_account()
    payment = top_ups.start(account.pk, 100 * CREDIT, RETURN_URL, saves_method=True)
    shop.pay(str(payment.provider_id))
    shop.payments[payment.provider_id]["payment_method"]["saved"] = False
    assert top_ups.refresh(payment).status == "succeeded"
    assert auto_top_up.of(account.pk) is None


def test_below_the_threshold_the_card_is_charged_once_with_its_receipt(shop, automatic, settings):
    settings.YOOKASSA_VAT_CODE = 1
    assert auto_top_up.run_due() == 1
    assert balance(automatic) == 1100
    body = shop.bodies[-1]
    assert body["payment_method_id"] == AutoTopUp.objects.get().method_id
    assert body["amount"] == {"value": "1000.00", "currency": "RUB"}
    assert body["receipt"]["customer"]["email"] == automatic.owner.email
    assert "confirmation" not in body
    payment = Payment.objects.exclude(method_id="").get()
    entry = LedgerEntry.objects.latest("pk")
    assert (payment.entry_id, entry.kind, entry.payment_id) == (
        entry.pk,
        "top_up",
        payment.provider_id,
    )
    assert auto_top_up.run_due() == 0
    assert AuditEntry.objects.filter(object_kind="billing.payment", action="add").count() == 1


def test_nothing_is_charged_at_the_threshold_or_before_it_is_turned_on(shop, payer):
    assert auto_top_up.run_due() == 0
    auto_top_up.turn_on(payer.pk, Terms(100 * CREDIT, 100 * CREDIT, 100 * CREDIT))
    assert auto_top_up.run_due() == 0
    spend(payer, 1)
    assert auto_top_up.run_due() == 1


def test_a_month_never_takes_more_than_its_cap(shop, automatic):
    for _ in range(2):
        assert auto_top_up.run_due() == 1
        spend(automatic, balance(automatic))
    assert auto_top_up.run_due() == 0
    assert auto_top_up.spent_this_month_nano(automatic.pk) == 2000 * CREDIT
    assert "no room for another payment" in text_of(visitor(automatic).get(PAGE))
    time_passes(automatic, days=32)
    assert auto_top_up.run_due() == 1


def test_while_one_payment_is_on_its_way_no_other_is_made(shop, automatic):
    shop.is_slow = True
    assert [auto_top_up.run_due() for _ in range(3)] == [1, 0, 0]
    assert automatic_payments(automatic) == ["pending"]
    [payment] = Payment.objects.exclude(method_id="")
    shop.pay(str(payment.provider_id))
    time_passes(automatic, minutes=1)
    top_ups.poll_pending()
    assert balance(automatic) == 1100


def test_the_database_itself_refuses_a_second_automatic_payment_at_a_time(shop, automatic):
    shop.is_slow = True
    auto_top_up.run_due()
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.create(account=automatic, amount_nano=CREDIT, method_id="another")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_processes_at_once_charge_once(shop, automatic):
    together, failures = threading.Barrier(6), []

    def run() -> None:
        together.wait()
        try:
            auto_top_up.run_due()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert automatic_payments(automatic) == ["succeeded"]
    assert len(shop.payments) == 2  # the one by hand, and this one
    assert balance(automatic) == 1100


@pytest.mark.parametrize("failure", [0, 500])
def test_a_lost_answer_is_asked_for_again_and_is_the_same_payment(shop, automatic, failure):
    shop.failures = [failure]
    auto_top_up.run_due()
    assert auto_top_up.run_due() == 0  # not at once
    time_passes(automatic, minutes=1)
    assert auto_top_up.run_due() == 1
    assert automatic_payments(automatic) == ["succeeded"]
    assert len(shop.payments) == 2
    assert balance(automatic) == 1100


@pytest.mark.parametrize("fraction", ["000", "123"])
def test_a_lost_answer_is_asked_for_where_the_database_wrote_its_time(shop, automatic, fraction):
    shop.failures = [500]
    auto_top_up.run_due()
    asked_a_minute_ago(fraction)
    assert auto_top_up.run_due() == 1
    assert balance(automatic) == 1100


def test_an_answer_that_never_comes_ends_it_and_tells_the_operator(
    shop, automatic, settings, django_capture_on_commit_callbacks
):
    settings.ALERT_EMAIL = "oncall@example.ru"
    shop.failures = [500, 500]
    auto_top_up.run_due()
    time_passes(automatic, hours=24)
    with django_capture_on_commit_callbacks(execute=True):
        auto_top_up.run_due()
    assert automatic_payments(automatic) == ["canceled"]
    assert not AutoTopUp.objects.get().is_on
    assert {tuple(sent.to) for sent in mail.outbox} == {
        ("oncall@example.ru",),
        (automatic.owner.email,),
    }
    told = next(sent for sent in mail.outbox if sent.to == [automatic.owner.email])
    assert "We cannot see whether it was charged" in told.body
    [payment] = Payment.objects.exclude(method_id="")
    page = visitor(automatic).get(f"/cabinet/billing/payments/{payment.idempotence_key}/")
    assert "the payment service did not answer. We cannot see whether" in text_of(page)
    Payment.objects.update(created_at=timezone.now())
    assert auto_top_up.spent_this_month_nano(automatic.pk) == 1000 * CREDIT  # it may have been


def declined(shop: PaymentAPI, account: Account, reason: str, capture: Any) -> AutoTopUp:
    shop.declines = [reason]
    with capture(execute=True):
        auto_top_up.run_due()
    return AutoTopUp.objects.get(pk=account.pk)


def test_a_decline_that_may_mend_is_told_of_and_tried_again_after_a_day(
    shop, automatic, django_capture_on_commit_callbacks
):
    saved = declined(shop, automatic, "insufficient_funds", django_capture_on_commit_callbacks)
    assert saved.is_on
    assert automatic_payments(automatic) == ["canceled"]
    assert auto_top_up.spent_this_month_nano(automatic.pk) == 0
    [told] = mail.outbox
    assert told.to == [automatic.owner.email]
    assert "there is not enough money on it. Nothing was charged." in told.body
    assert "try again in a day" in told.body
    assert "failed: there is not enough money" in text_of(visitor(automatic).get(PAGE))
    time_passes(automatic, hours=23)
    assert auto_top_up.run_due() == 0
    time_passes(automatic, hours=2)
    assert auto_top_up.run_due() == 1
    saved.refresh_from_db()
    assert (saved.declines, saved.last_decline) == (0, "")


def test_the_third_decline_in_a_row_turns_it_off(
    shop, automatic, django_capture_on_commit_callbacks
):
    for is_on in (True, True, False):
        capture = django_capture_on_commit_callbacks
        assert declined(shop, automatic, "general_decline", capture).is_on is is_on
        time_passes(automatic, hours=25)
    assert auto_top_up.run_due() == 0
    assert len(mail.outbox) == 3


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Automatic top-ups are off now"), ("ru", "Автопополнение выключено")],
)
@pytest.mark.parametrize("reason", ["card_expired", "permission_revoked", "something_new"])
def test_a_decline_that_will_not_mend_turns_it_off_and_is_told_in_the_owners_language(
    shop, payer, django_capture_on_commit_callbacks, reason, language, said
):
    auto_top_up.turn_on(payer.pk, TERMS)
    User.objects.update(language=language)
    assert not declined(shop, payer, reason, django_capture_on_commit_callbacks).is_on
    [told] = mail.outbox
    assert said in told.body
    assert AuditEntry.objects.get(action="disable").detail["declined"] == reason
    time_passes(payer, days=40)
    assert auto_top_up.run_due() == 0
    assert "Automatic top-ups were turned off." in text_of(visitor(payer).get(PAGE))


def test_a_method_that_the_shop_no_longer_knows_turns_it_off(
    shop, automatic, django_capture_on_commit_callbacks
):
    shop.methods.clear()
    with django_capture_on_commit_callbacks(execute=True):
        auto_top_up.run_due()
    assert not AutoTopUp.objects.get().is_on
    assert automatic_payments(automatic) == ["canceled"]
    assert "no longer knows it" in mail.outbox[0].body


def test_a_charge_that_is_not_what_was_asked_for_is_the_last(
    shop, automatic, settings, django_capture_on_commit_callbacks
):
    settings.ALERT_EMAIL = "oncall@example.ru"
    shop.recipient = {"account_id": "7654321", "gateway_id": "2000001"}
    with django_capture_on_commit_callbacks(execute=True):
        assert auto_top_up.run_due() == 1
    assert automatic_payments(automatic) == ["mismatched"]
    assert auto_top_up.run_due() == 0
    time_passes(automatic, days=2)
    assert auto_top_up.run_due() == 0
    assert balance(automatic) == 100
    assert not AutoTopUp.objects.get().is_on
    told = {sent.to[0]: sent.body for sent in mail.outbox}
    assert set(told) == {"oncall@example.ru", automatic.owner.email}
    assert "charged otherwise than we asked for. What was charged" in told[automatic.owner.email]


def test_another_refusal_is_the_operators_to_look_at_and_is_tried_again(
    shop, automatic, settings, django_capture_on_commit_callbacks
):
    settings.ALERT_EMAIL = "oncall@example.ru"
    shop.saves_methods = False
    with django_capture_on_commit_callbacks(execute=True):
        auto_top_up.run_due()
    assert AutoTopUp.objects.get().is_on
    assert ["oncall@example.ru"] in [sent.to for sent in mail.outbox]
    shop.saves_methods = True
    time_passes(automatic, hours=25)
    auto_top_up.run_due()
    assert balance(automatic) == 1100


def test_a_suspended_account_and_one_whose_owner_is_shut_out_are_not_charged(shop, automatic):
    suspension.suspend(account=automatic, reason="looked into")
    assert auto_top_up.run_due() == 0
    suspension.resume(account=automatic)
    suspension.set_active(user=automatic.owner, is_active=False)
    assert auto_top_up.run_due() == 0
    suspension.set_active(user=automatic.owner, is_active=True)
    assert auto_top_up.run_due() == 1


@pytest.mark.parametrize(
    "terms",
    [
        Terms(0, 1000 * CREDIT, 1000 * CREDIT),
        Terms(500 * CREDIT, 99 * CREDIT, 1000 * CREDIT),
        Terms(500 * CREDIT, 1000 * CREDIT, 999 * CREDIT),
        Terms(500 * CREDIT, 1000 * CREDIT, 10**21),
        Terms(10**21, 1000 * CREDIT, 1000 * CREDIT),
    ],
)
def test_terms_that_cannot_be_kept_are_refused(shop, payer, terms):
    with pytest.raises(InvalidAmount):
        auto_top_up.turn_on(payer.pk, terms)
    assert not AutoTopUp.objects.get().is_on


def test_without_a_saved_card_nothing_is_turned_on(shop):
    with pytest.raises(NoSavedMethod):
        auto_top_up.turn_on(open_account().pk, TERMS)


def test_the_owner_turns_it_on_with_a_consent_that_is_kept(shop, payer):
    client = visitor(payer)
    assert "MasterCard *4444" in text_of(client.get(PAGE))
    answer = client.post(TURN_ON, TYPED)
    assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)
    saved = AutoTopUp.objects.get()
    assert saved.is_on
    assert saved.consent.startswith("I agree that XRouter charges")
    assert saved.consented_at is not None
    assert saved.language == "en"
    act = AuditEntry.objects.get(action="enable")
    assert (act.detail["consent"], act.detail["month_cap"]) == (saved.consent, "2500")
    assert act.actor_id == payer.owner_id
    page = text_of(client.get(PAGE))
    assert "You agreed on" in page


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("auto-consent", "", "Without your consent nothing is turned on."),
        ("auto-amount", "50", "100 roubles at least"),
        ("auto-amount", "x", "Write roubles"),
        ("auto-month_cap", "999", "at least one top-up"),
        ("auto-threshold", "", "required"),
    ],
)
def test_a_form_that_is_wrong_is_said_and_changes_nothing(shop, payer, field, value, said):
    answer = visitor(payer).post(TURN_ON, TYPED | {field: value})
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not AutoTopUp.objects.get().is_on


def test_the_owner_turns_it_off_and_removes_the_card(shop, automatic):
    client = visitor(automatic)
    assert client.post(OFF).headers["Location"] == PAGE
    assert not AutoTopUp.objects.get().is_on
    assert auto_top_up.run_due() == 0
    client.post(TURN_ON, TYPED)
    assert client.post(FORGET).headers["Location"] == PAGE
    assert not AutoTopUp.objects.exists()
    assert auto_top_up.run_due() == 0
    acts = AuditEntry.objects.filter(object_kind="billing.autotopup").order_by("pk")
    assert [act.action for act in acts] == ["add", "enable", "disable", "enable", "delete"]


def test_what_one_owner_does_leaves_the_card_of_another_alone(shop, automatic):
    stranger = visitor(open_account())
    stranger.post(OFF)
    stranger.post(FORGET)
    assert stranger.post(TURN_ON, TYPED).status_code == 422
    assert AutoTopUp.objects.get().is_on


def test_a_shop_that_saves_no_cards_says_so_and_takes_the_payment_without(shop):
    shop.saves_methods = False
    client = visitor(open_account())
    answer = client.post("/cabinet/billing/top-up/", {"amount": "500", "saves_method": "on"})
    assert answer.status_code == 422
    assert "This shop saves no cards." in text_of(answer)
    again = client.post("/cabinet/billing/top-up/", {"amount": "500"})
    assert again.headers["Location"].startswith("https://yoomoney.example/")


def test_without_a_shop_there_is_nothing_to_turn_on():
    assert "Automatic top-up" not in text_of(visitor(open_account()).get(PAGE))
    assert auto_top_up.run_due() == 0


def test_an_erased_person_leaves_no_card(shop, automatic):
    spend(automatic, 100)
    call_command("erase_account", automatic.owner.email, "--yes")
    assert not AutoTopUp.objects.exists()
