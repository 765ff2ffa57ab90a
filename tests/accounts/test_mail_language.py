"""Mails that no request asks for are in the language in which their reader logged in, or chose since."""

import pytest
from django.core import mail
from django.test import Client

from accounts import suspension, users
from accounts.models import SecurityEvent, User
from accounts.security import mails
from accounts.security.models import Signal
from tests.accounts.people import NATASHA, account_of, new_key
from tests.accounts.sign_in import PASSWORD, browser, log_in

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


@pytest.fixture
def reader() -> User:
    return users.register(email=NATASHA, password=PASSWORD).owner


def choose(client: Client, language: str) -> None:
    assert client.post("/language/", {"language": language, "next": "/"}).status_code == 302


def subject_of_a_mail() -> str:
    """Return what a leaked key is told of with."""
    key, _raw = new_key()
    event = SecurityEvent.objects.create(
        signal=Signal.LEAKED_KEY, account=key.account, api_key=key, evidence={}
    )
    mails.send(event.pk)
    return str(mail.outbox[-1].subject)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_mail_is_in_the_language_of_the_last_log_in(reader, language):
    log_in(browser("en" if language == "ru" else "ru"))
    log_in(browser(language))
    assert subject_of_a_mail().isascii() == (language == "en")


def test_a_mail_is_in_the_language_that_was_chosen_since(reader):
    log_in(client := browser("ru"))
    choose(client, "en")
    assert subject_of_a_mail().isascii()
    choose(client, "ru")
    assert not subject_of_a_mail().isascii()


def test_a_language_that_there_is_not_changes_nothing(reader):
    log_in(client := browser("en"))
    for language in ("xx", "", "en" * 9):
        choose(client, language)
    assert subject_of_a_mail().isascii()


def test_a_stranger_chooses_for_nobody(reader):
    choose(browser("ru"), "en")
    assert not subject_of_a_mail().isascii()


def test_the_owner_reads_of_a_suspension_in_their_language_not_the_operators(
    reader, django_capture_on_commit_callbacks
):
    log_in(browser("en"))
    with django_capture_on_commit_callbacks(execute=True):
        suspension.suspend(account=account_of(), reason="Spam.")
    assert mail.outbox[-1].subject == "XRouter: your account is suspended"
