"""The operator hears of what only a person can mend: once when it begins, once when it ends."""

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.utils import timezone

from gateway.health.alerts import Alerts, tell_outages
from gateway.health.events import Kind
from gateway.health.monitor import Monitor
from gateway.health.status import ProviderStatus, Word
from gateway.health.store_redis import RedisHealth
from tests.health.notes import LITE, PRO, note


@pytest.fixture(autouse=True)
def _operator(settings: Any) -> None:
    settings.ALERT_EMAIL = "oncall@example.com"
    settings.LANGUAGE_CODE = "en"
    cache.clear()


def _wait_for(condition: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up_s, "Nobody was told."
        time.sleep(0.01)


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]


def test_a_refused_credential_is_told_once(
    mailoutbox: list[EmailMessage], caplog: pytest.LogCaptureFixture
) -> None:
    monitor = Monitor(None)
    for _ in range(3):
        monitor.note(note("refused"))

    _wait_for(lambda: len(mailoutbox) == 1)
    assert mailoutbox[0].to == ["oncall@example.com"]
    assert "gigachat" in mailoutbox[0].subject
    assert "credential one" in mailoutbox[0].body
    assert "gigachat answered 401, 402 or 403 to the credential one." in _said(caplog)[0]
    assert len(_said(caplog)) == 1


def test_a_model_that_is_gone_is_told_by_its_name(
    mailoutbox: list[EmailMessage], caplog: pytest.LogCaptureFixture
) -> None:
    Monitor(None).note(note("missing", LITE))

    _wait_for(lambda: len(mailoutbox) == 1)
    assert LITE in mailoutbox[0].body
    assert f"gigachat answered 404 to a request for the model {LITE}." in _said(caplog)[0]


def test_a_model_that_is_not_paid_for_is_told_until_it_answers_again(
    mailoutbox: list[EmailMessage], caplog: pytest.LogCaptureFixture
) -> None:
    monitor = Monitor(None)
    cases: tuple[tuple[Kind, str], ...] = (
        ("unpaid", LITE),
        ("finished", PRO),
        ("unpaid", LITE),
        ("finished", LITE),
    )
    for kind, model in cases:
        monitor.note(note(kind, model))

    _wait_for(lambda: len(mailoutbox) == 2)
    assert f"gigachat answered 402 to the credential one for the model {LITE}" in _said(caplog)[0]
    assert len(_said(caplog)) == 1
    assert f"gigachat is paid for the model {LITE} again" in mailoutbox[1].subject


def test_each_credential_is_told_apart_and_again_after_it_was_accepted(
    caplog: pytest.LogCaptureFixture, mailoutbox: list[EmailMessage]
) -> None:
    alerts = Alerts()
    cases: tuple[tuple[Kind, str], ...] = (
        ("refused", "one"),
        ("refused", "two"),
        ("refused", "one"),
        ("finished", "one"),
        ("finished", "one"),
        ("refused", "one"),
    )
    for kind, credential in cases:
        alerts.note(note(kind, credential=credential))

    _wait_for(lambda: len(mailoutbox) == 4)
    assert ["credential two" in said for said in _said(caplog)] == [False, True, False]
    assert "gigachat accepts a credential again" in mailoutbox[2].subject


def _status(word: Word, success_rate: float, asked: int = 10) -> ProviderStatus:
    return ProviderStatus("gigachat", word, success_rate, None, asked, timezone.now())


def test_an_outage_is_told_at_its_beginning_and_at_its_end(
    caplog: pytest.LogCaptureFixture, mailoutbox: list[EmailMessage]
) -> None:
    for status in (
        _status("operational", 1),
        *[_status("down", 0)] * 3,
        _status("degraded", 0),  # nothing has gone well yet
        _status("operational", 1, asked=0),  # and nobody asks
        *[_status("degraded", 0.2)] * 2,
    ):
        tell_outages([status], lambda provider: f"{provider}: nobody listens there")

    assert [mail.subject for mail in mailoutbox] == [
        "XRouter: gigachat is down",
        "XRouter: gigachat answers again",
    ]
    assert "gigachat: nobody listens there" in mailoutbox[0].body
    assert len(_said(caplog)) == 1


def test_of_two_processes_one_tells(
    redis_url: str, mailoutbox: list[EmailMessage], caplog: pytest.LogCaptureFixture
) -> None:
    both = [Monitor(RedisHealth(redis_url)) for _ in range(2)]
    for item in both:
        item.note(note("refused"))
    both[1].note(note("missing"))

    _wait_for(lambda: len(mailoutbox) == 2)
    assert len(_said(caplog)) == 2
    for item in both:
        item.stop()


def test_other_failures_call_nobody(caplog: pytest.LogCaptureFixture) -> None:
    monitor = Monitor(None)
    for kind in ("failed", "busy", "rejected", "finished"):
        monitor.note(note(kind))
    monitor.note(note("refused", is_counted=False))

    assert not _said(caplog)
