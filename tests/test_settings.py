"""What the environment makes of the settings of mail and payments."""

import json
import os
import subprocess
import sys

import pytest

from tests.servers import PROJECT

NAMES = (
    *("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_HOST_PASSWORD"),
    *("YOOKASSA_BASE_URL", "YOOKASSA_WEBHOOK_NETWORKS", "GENERATION_RETENTION_DAYS"),
)
PRINT = f"""
import json
from xrouter_site import settings
print(json.dumps({{name: getattr(settings, name, None) for name in {NAMES}}}, default=str))
"""


def settings_of(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRINT],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def read(**environment: str) -> dict[str, object]:
    result = settings_of(**environment)
    assert result.returncode == 0, result.stderr
    document: dict[str, object] = json.loads(result.stdout)
    return document


def test_the_defaults_log_mail_keep_all_and_believe_yookassa_alone():
    settings = read()
    assert settings["EMAIL_BACKEND"] == "xrouter_site.log_mail.LogBackend"
    assert settings["YOOKASSA_BASE_URL"] == "https://api.yookassa.ru/v3"
    assert len(str(settings["YOOKASSA_WEBHOOK_NETWORKS"]).split(",")) == 7
    assert settings["GENERATION_RETENTION_DAYS"] == 0


def test_notices_of_another_payment_provider_come_from_anywhere_but_what_is_listed():
    elsewhere = "http://127.0.0.1:9/v3"
    assert read(YOOKASSA_BASE_URL=elsewhere)["YOOKASSA_WEBHOOK_NETWORKS"] == []
    listed = read(YOOKASSA_BASE_URL=elsewhere, YOOKASSA_WEBHOOK_NETWORKS="10.0.0.0/8")
    assert listed["YOOKASSA_WEBHOOK_NETWORKS"] == ["10.0.0.0/8"]


@pytest.mark.parametrize(("scheme", "has_tls"), [("smtp", None), ("smtp+tls", True)])
def test_a_mail_server_is_named_by_its_address(scheme, has_tls):
    settings = read(EMAIL_URL=f"{scheme}://user:p%40ss@mail.example.ru:587")
    assert settings["EMAIL_BACKEND"] == "xrouter_site.smtp_mail.CountingBackend"
    assert (settings["EMAIL_HOST"], settings["EMAIL_PORT"]) == ("mail.example.ru", 587)
    assert settings["EMAIL_HOST_PASSWORD"] == "p@ss"
    assert settings["EMAIL_USE_TLS"] is has_tls
