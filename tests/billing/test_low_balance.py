"""The e-mail that a balance runs low: one each time that it does."""

import datetime as dt
import logging
import smtplib

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone, translation

from billing.ledger import ledger, low_balance
from billing.models import LowBalanceAlert
from tests.billing.payers import CREDIT, open_account
from xrouter_site.log_mail import LogBackend

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


@pytest.fixture
def account():
    """Return an account of ten credits that wants to be told below five."""
    account = open_account(10 * CREDIT)
    low_balance.choose(account.pk, 5 * CREDIT)
    return account


def change(account, by):
    ledger.adjust(account.pk, by * CREDIT, reason="A test.", actor_id=None)


def test_each_fall_is_told_of_once(account):
    assert low_balance.send_due() == 0
    for fall in (1, 2):
        change(account, -6)
        assert [low_balance.send_due() for _ in range(3)] == [1, 0, 0]
        assert len(mail.outbox) == fall
        change(account, 6)
        assert low_balance.send_due() == 0


def test_the_mail_goes_to_the_owner_and_says_what_is_left(account):
    change(account, -6)
    with translation.override("en"):  # as a thread that has answered a request has it
        low_balance.send_due()
    [message] = mail.outbox
    assert message.to == [account.owner.email]
    assert "4,00 ₽" in message.subject.replace("\N{NO-BREAK SPACE}", " ")
    assert "5,00 ₽" in message.body.replace("\N{NO-BREAK SPACE}", " ")
    assert "http://localhost:8000/cabinet/billing/" in message.body


def test_the_mail_is_in_the_owners_language(account):
    account.owner.language = "en"
    account.owner.save()
    change(account, -6)
    low_balance.send_due()
    assert mail.outbox[-1].subject == "XRouter: 4.00\N{NO-BREAK SPACE}₽ left"


def test_the_threshold_itself_is_not_below_it(account):
    change(account, -5)
    assert low_balance.send_due() == 0
    ledger.adjust(account.pk, -1, reason="A test.", actor_id=None)
    assert low_balance.send_due() == 1


def test_a_rise_that_stays_below_does_not_arm_it(account):
    change(account, -9)
    low_balance.send_due()
    change(account, 3)
    change(account, -1)
    assert low_balance.send_due() == 0


def test_who_chose_nothing_is_told_nothing(account):
    low_balance.choose(account.pk, None)
    assert low_balance.threshold_nano(account.pk) is None
    change(account, -9)
    assert low_balance.send_due() == 0
    low_balance.choose(account.pk, 5 * CREDIT)
    assert low_balance.threshold_nano(account.pk) == 5 * CREDIT
    assert low_balance.send_due() == 1


def test_a_mail_that_cannot_be_sent_is_sent_later(account, monkeypatch):
    change(account, -6)

    def refuse(self, messages):
        raise smtplib.SMTPServerDisconnected

    with monkeypatch.context() as outage:
        outage.setattr(EmailBackend, "send_messages", refuse)
        assert low_balance.send_due() == 0
    assert [low_balance.send_due() for _ in range(2)] == [1, 0]


def test_who_died_over_a_mail_is_waited_for_a_while(account):
    change(account, -6)
    LowBalanceAlert.objects.update(claimed_at=timezone.now())
    assert low_balance.send_due() == 0
    LowBalanceAlert.objects.update(claimed_at=timezone.now() - dt.timedelta(minutes=6))
    assert low_balance.send_due() == 1


def test_without_a_mail_server_the_mail_is_in_the_log(account, caplog):
    caplog.set_level(logging.INFO)
    message = mail.EmailMessage("Subject", "Text", None, ["natasha@example.ru"])
    assert LogBackend().send_messages([message]) == 1
    assert "Mail to natasha@example.ru: Subject\nText" in caplog.text
