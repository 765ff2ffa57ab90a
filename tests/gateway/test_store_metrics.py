"""What the alert rules ask of the stores turns when a fault is planted."""

from typing import Any

import pytest
from django.core.mail import send_mail
from django.db.models import F
from prometheus_client.core import Metric

from billing.ledger import audit
from billing.models import CreditAccount
from gateway.api.metrics.stores import StoreMetrics
from infra import incidents, outbox
from tests.billing.payers import CREDIT, open_account

pytestmark = pytest.mark.django_db


def value(name: str) -> float:
    """Return the one sample of a metric."""
    families: list[Metric] = list(StoreMetrics().collect())
    [found] = [
        sample.value for family in families for sample in family.samples if sample.name == name
    ]
    return float(found)


def test_redis_is_down_while_it_is_away(settings: Any) -> None:
    assert value("xrouter_redis_up") == 1
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert value("xrouter_redis_up") == 0


def test_drift_is_what_the_last_audit_found() -> None:
    open_account(CREDIT)
    CreditAccount.objects.update(posted_nano=F("posted_nano") + 7 * CREDIT)
    assert audit.run(None)
    assert value("xrouter_ledger_drift_roubles") == 7
    CreditAccount.objects.update(posted_nano=F("posted_nano") - 7 * CREDIT)
    assert audit.run(None) == []
    assert value("xrouter_ledger_drift_roubles") == 0


def test_refused_mail_is_counted_and_an_incident_is_in_the_log_all_the_same(
    settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox._sender, "ensure_running", lambda: None)  # it would try again
    settings.EMAIL_BACKEND = "xrouter_site.smtp_mail.CountingBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    settings.ALERT_EMAIL = "oncall@example.ru"
    before = value("xrouter_mail_failures_total")
    with pytest.raises(OSError, match="refused"):
        send_mail("subject", "text", None, ["anna@example.com"])
    assert value("xrouter_mail_failures_total") == before + 1
    incidents.begin("of-a-test", "XRouter: a fault", "It is described.")
    assert value("xrouter_mail_failures_total") == before + 2
    assert "It is described." in caplog.text
