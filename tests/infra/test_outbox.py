"""Mails wait for a mail server that is away, and for no recipient that it refuses."""

import socket
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.core.mail import send_mail

from infra import incidents, outbox
from tests.accounts.smtp_server import smtp_server

ANNA, NATASHA = "anna@example.ru", "natasha@example.ru"

pytestmark = pytest.mark.both_stores


@pytest.fixture(autouse=True)
def _by_smtp(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_TIMEOUT = 20
    monkeypatch.setattr(outbox._sender, "ensure_running", lambda: None)


@pytest.fixture
def _away(settings: Any) -> Iterator[None]:
    with socket.socket() as deaf:  # bound, and so nobody else's: it refuses
        deaf.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = deaf.getsockname()[1]
        yield


def _waiting() -> list[str]:
    return [about for about, _mail in outbox._waiting]


def _post(*people: str) -> None:
    for person in people:
        outbox.post(person, partial(send_mail, "subject", "text", None, [person]))


@pytest.mark.usefixtures("_away")
def test_a_mail_waits_for_a_server_that_is_away(settings: Any) -> None:
    _post(ANNA, NATASHA)
    outbox.send_waiting()
    assert _waiting() == [ANNA, NATASHA]
    with smtp_server("451 later") as (port, _taken):
        settings.EMAIL_PORT = port
        outbox.send_waiting()
    assert _waiting() == [ANNA, NATASHA]
    with smtp_server() as (port, taken):
        settings.EMAIL_PORT = port
        outbox.send_waiting()
    assert [letter["To"] for letter in taken] == [ANNA, NATASHA]
    assert not _waiting()


def test_a_recipient_that_is_refused_keeps_nobody_waiting(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    _post(ANNA, NATASHA)
    with smtp_server("550 no such person") as (port, taken):
        settings.EMAIL_PORT = port
        outbox.send_waiting()
    assert (taken, _waiting()) == ([], [])
    assert caplog.text.count("no such person") == 2


def test_a_mail_about_what_is_gone_keeps_nobody_waiting(settings: Any) -> None:
    outbox.post("about nothing", lambda: None)
    _post(ANNA)
    with smtp_server() as (port, taken):
        settings.EMAIL_PORT = port
        outbox.send_waiting()
    assert len(taken) == 1


def test_a_mail_that_waits_is_sent_later_by_itself() -> None:
    assert outbox.wait_s() is None
    _post(ANNA)
    assert outbox.wait_s() == outbox.RETRY_S


@pytest.mark.usefixtures("_away")
def test_the_operator_hears_of_an_incident_when_the_mail_server_is_back(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ALERT_EMAIL = "oncall@example.ru"
    incidents.begin("of-a-test", "XRouter: a fault", "It is described.")
    assert "It is described." in caplog.text
    outbox.send_waiting()
    assert caplog.text.count("The mail server is away: ") == 1
    with smtp_server() as (port, taken):
        settings.EMAIL_PORT = port
        outbox.send_waiting()
    assert [(letter["To"], letter["Subject"]) for letter in taken] == [
        ("oncall@example.ru", "XRouter: a fault")
    ]


def test_a_mail_is_not_tried_at_once_while_others_wait() -> None:
    tried: list[str] = []
    outbox.post("first", lambda: tried.append("first"))
    outbox.send("second", lambda: tried.append("second"))
    assert tried == []
    outbox.send_waiting()
    assert tried == ["first", "second"]


def test_a_mail_is_sent_at_once_where_the_server_takes_it(settings: Any) -> None:
    with smtp_server() as (port, taken):
        settings.EMAIL_PORT = port
        outbox.send("to Anna", partial(send_mail, "subject", "text", None, [ANNA]))
    assert (len(taken), _waiting()) == (1, [])
