"""The mails about security events wait for a mail server that is away, and for no recipient that it refuses."""

import socket
from collections.abc import Iterator

import pytest

from accounts.models import SecurityEvent
from accounts.security import mails
from accounts.security.models import Signal
from tests.accounts.people import NATASHA, new_key
from tests.accounts.smtp_server import smtp_server

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _by_smtp(settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_TIMEOUT = 20


@pytest.fixture
def waiting() -> Iterator[list[SecurityEvent]]:
    """Make two events whose mails wait."""
    events = []
    for _number in range(2):
        key, _raw = new_key()
        event = SecurityEvent.objects.create(
            signal=Signal.LEAKED_KEY, account=key.account, api_key=key, evidence={}
        )
        events.append(event)
        mails._waiting.append(event.pk)
    yield events
    mails._waiting.clear()


def test_a_mail_waits_for_a_server_that_is_away(settings, waiting):
    with socket.socket() as deaf:  # bound, and so nobody else's: it refuses
        deaf.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = deaf.getsockname()[1]
        mails.send_waiting()
    assert list(mails._waiting) == [event.pk for event in waiting]
    with smtp_server("451 later") as (port, taken):
        settings.EMAIL_PORT = port
        mails.send_waiting()
    assert len(mails._waiting) == 2
    with smtp_server() as (port, taken):
        settings.EMAIL_PORT = port
        mails.send_waiting()
    assert [letter["To"] for letter in taken] == [NATASHA] * 2
    assert not mails._waiting


def test_a_recipient_that_is_refused_keeps_nobody_waiting(settings, waiting):
    with smtp_server("550 no such person") as (port, taken):
        settings.EMAIL_PORT = port
        mails.send_waiting()
    assert (taken, list(mails._waiting)) == ([], [])


def test_an_event_that_is_gone_keeps_nobody_waiting(settings, waiting):
    mails._waiting.appendleft(waiting[1].pk + 1_000)
    with smtp_server() as (port, taken):
        settings.EMAIL_PORT = port
        mails.send_waiting()
    assert len(taken) == 2


def test_a_mail_that_waits_is_sent_later_by_itself(waiting):
    assert mails.wait_s() == mails.RETRY_S
    mails._waiting.clear()
    assert mails.wait_s() is None
