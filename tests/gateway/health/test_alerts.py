"""The operator hears of what only a person can mend, once an hour."""

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage

from gateway.health.alerts import SILENCE_S, Alerts
from gateway.health.monitor import Monitor
from gateway.health.store_redis import RedisHealth
from tests.gateway.health.notes import LITE, note

LOGGER = "gateway.health.alerts"


@pytest.fixture(autouse=True)
def _operator(settings: Any) -> None:
    settings.ALERT_EMAIL = "oncall@example.com"
    settings.LANGUAGE_CODE = "en"


def _wait_for(condition: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up_s, "Nobody was told."
        time.sleep(0.01)


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]


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
    assert _said(caplog) == ["gigachat refuses our credential one."]


def test_a_model_that_is_gone_is_told_by_its_name(
    mailoutbox: list[EmailMessage], caplog: pytest.LogCaptureFixture
) -> None:
    Monitor(None).note(note("missing", LITE))

    _wait_for(lambda: len(mailoutbox) == 1)
    assert LITE in mailoutbox[0].body
    assert _said(caplog) == [f"gigachat knows no model {LITE}."]


def test_each_credential_is_told_apart_and_again_after_an_hour(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    alerts = Alerts(lambda name, life_s: True, clock=lambda: now[0])
    alerts.note(note("refused"))
    alerts.note(note("refused", credential="two"))
    now[0] = SILENCE_S - 1.0
    alerts.note(note("refused"))
    now[0] = SILENCE_S
    alerts.note(note("refused"))

    _wait_for(lambda: len(_said(caplog)) == 3)
    assert sorted(_said(caplog)) == [
        "gigachat refuses our credential one.",
        "gigachat refuses our credential one.",
        "gigachat refuses our credential two.",
    ]


def test_of_two_processes_one_tells(
    redis_url: str, mailoutbox: list[EmailMessage], caplog: pytest.LogCaptureFixture
) -> None:
    both = [Monitor(RedisHealth(redis_url)) for _ in range(2)]
    for one in both:
        one.note(note("refused"))
    both[1].note(note("missing"))

    _wait_for(lambda: len(mailoutbox) == 2)
    assert len(_said(caplog)) == 2
    for one in both:
        one.stop()


def test_other_failures_call_nobody(caplog: pytest.LogCaptureFixture) -> None:
    monitor = Monitor(None)
    for kind in ("failed", "busy", "rejected", "finished"):
        monitor.note(note(kind))
    monitor.note(note("refused", is_counted=False))

    assert not _said(caplog)
