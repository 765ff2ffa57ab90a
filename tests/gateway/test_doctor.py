"""`manage.py doctor` names each planted fault and its remedy, and fails on what the server cannot run with."""

import io
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.management import call_command

from gateway import upstreams
from sandbox.core import credentials
from sandbox.server import Sandbox
from tests.providers.certificates import make_certificate, server_tls
from tests.servers import PROJECT

pytestmark = pytest.mark.django_db
NOBODY = "http://127.0.0.1:9"
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def _fresh_pool() -> Iterator[None]:
    upstreams.reset()
    yield
    upstreams.reset()


@pytest.fixture
def providers(settings: Any) -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        settings.GIGACHAT_CREDENTIALS = credentials.GIGACHAT_CREDENTIALS
        settings.GIGACHAT_SCOPE = credentials.GIGACHAT_SCOPE
        settings.GIGACHAT_AUTH_URL = f"{sandbox.gigachat_origin}/api/v2/oauth"
        settings.GIGACHAT_BASE_URL = f"{sandbox.gigachat_origin}/v1"
        settings.YANDEX_API_KEY = credentials.YANDEX_API_KEY
        settings.YANDEX_FOLDER_ID = credentials.YANDEX_FOLDER_ID
        settings.YANDEX_BASE_URL = sandbox.yandex_origin
        yield sandbox


def examine() -> tuple[dict[str, dict[str, str]], int]:
    """Return the checks by name, and the exit status."""
    output, status = io.StringIO(), 0
    try:
        call_command("doctor", "--json", stdout=output)
    except SystemExit as end:
        status = int(str(end.code))
    checks = json.loads(output.getvalue())["checks"]
    return {check["name"]: check for check in checks}, status


def fault(name: str) -> str:
    """Return what is said of the one failure, and see that nothing else has failed."""
    checks, status = examine()
    failed = [check["name"] for check in checks.values() if check["status"] == "failure"]
    assert failed == [name]
    assert status == 1
    assert checks[name]["remedy"]
    return checks[name]["message"]


def test_what_is_right_is_said_and_nothing_is_paid(providers: Sandbox):
    checks, status = examine()
    assert status == 0
    for name in ("settings", "database", "migrations", "credential gigachat/environment", "clock"):
        assert checks[name]["status"] == "ok"
    assert "models are listed" in checks["credential yandexgpt/environment"]["message"]
    assert not [one.path for one in providers.requests if "ompletion" in one.path]


def test_a_line_a_check_for_people(providers: Sandbox):
    output = io.StringIO()
    call_command("doctor", stdout=output)
    assert all(line.startswith(("ok ", "WARNING ")) for line in output.getvalue().splitlines())


@pytest.mark.parametrize(
    ("variable", "value", "name", "said"),
    [
        ("GIGACHAT_CREDENTIALS", "bm9ib2R5Om5vdGhpbmc=", "credential gigachat/environment", "not accepted"),
        ("GIGACHAT_SCOPE", "GIGACHAT_API_B2B", "credential gigachat/environment", "scope"),
        ("GIGACHAT_AUTH_URL", f"{NOBODY}/oauth", "credential gigachat/environment", "nobody listens"),
        ("GIGACHAT_BASE_URL", f"{NOBODY}/v1", "credential gigachat/environment", "nobody listens"),
        ("YANDEX_API_KEY", "wrong", "credential yandexgpt/environment", "not accepted"),
        ("YANDEX_FOLDER_ID", "b1gelsewhere", "credential yandexgpt/environment", "older"),
        ("EMAIL_HOST", "127.0.0.1", "mail", "refuse"),
        ("CELERY_BROKER_URL", "redis://127.0.0.1:9/0", "broker", "refused"),
        ("YOOKASSA_BASE_URL", f"{NOBODY}/v3", "payments", "nobody listens"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_named(
    providers: Sandbox, settings: Any, variable: str, value: str, name: str, said: str
):
    setattr(settings, variable, value)
    if variable == "EMAIL_HOST":
        settings.EMAIL_PORT = 9
        settings.EMAIL_BACKEND = "xrouter_site.smtp_mail.CountingBackend"
    settings.YOOKASSA_SHOP_ID, settings.YOOKASSA_SECRET_KEY = (
        ("1", "secret") if variable == "YOOKASSA_BASE_URL" else ("", "")
    )
    assert said in fault(name)


@pytest.fixture
def https_url(tmp_path: pathlib.Path) -> Iterator[str]:
    """Serve with a certificate that `tmp_path/both.pem` alone has the root of."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = server_tls(make_certificate(tmp_path)).wrap_socket(
            server.socket, server_side=True
        )
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}/oauth"
        server.shutdown()


def test_a_wrong_authority_is_named_with_the_certificate_and_its_variable(
    providers: Sandbox, settings: Any, https_url: str, tmp_path: pathlib.Path
):
    (tmp_path / "another").mkdir()
    settings.GIGACHAT_AUTH_URL = https_url
    settings.GIGACHAT_CA_BUNDLE_FILE = str(make_certificate(tmp_path / "another"))
    checks, status = examine()
    failed = {name: check for name, check in checks.items() if check["status"] == "failure"}
    host = https_url.split("/")[2]
    assert failed.keys() == {f"certificate {host}", "credential gigachat/environment"}
    assert status == 1
    assert all("not trusted" in check["message"] for check in failed.values())
    assert "GIGACHAT_CA_BUNDLE_FILE" in failed[f"certificate {host}"]["remedy"]

    settings.GIGACHAT_CA_BUNDLE_FILE = str(tmp_path / "both.pem")
    upstreams.reset()
    checks, _ = examine()
    assert checks[f"certificate {host}"]["status"] == "warning"  # it ends tomorrow


def test_a_redis_that_is_away_is_named_and_nothing_is_logged_beside_it(
    providers: Sandbox, settings: Any, caplog: pytest.LogCaptureFixture
):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert "does not answer" in fault("redis")
    assert caplog.messages == []


def examine_apart(**variables: str) -> tuple[dict[str, dict[str, str]], int]:
    """Return what the command finds in a process of its own, as `examine` does."""
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"],
        cwd=PROJECT, capture_output=True, text=True, check=False,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "xrouter_site.settings"} | variables,
    )  # fmt: skip
    checks = json.loads(done.stdout)["checks"]
    return {check["name"]: check for check in checks}, done.returncode


@pytest.mark.postgres
def test_a_database_that_is_away_is_the_one_fault_and_the_rest_is_examined(providers: Sandbox):
    checks, status = examine_apart(
        DATABASE_URL="postgres://127.0.0.1:9/xrouter",
        DATABASE_REPLICA_URL=os.environ["TEST_POSTGRES_URL"],
        GIGACHAT_CREDENTIALS=credentials.GIGACHAT_CREDENTIALS,
        GIGACHAT_AUTH_URL=f"{providers.gigachat_origin}/api/v2/oauth",
        GIGACHAT_BASE_URL=f"{providers.gigachat_origin}/v1",
    )
    assert [name for name, check in checks.items() if check["status"] == "failure"] == ["database"]
    assert status == 1
    assert "Connection refused" in checks["database"]["message"]
    for name in ("dns 127.0.0.1", "credential gigachat/environment", "replica"):
        assert checks[name]["status"] == "ok"


@pytest.mark.postgres
def test_credentials_that_nobody_can_read_are_not_said_to_be_none():
    checks, _ = examine_apart(
        DATABASE_URL="postgres://127.0.0.1:9/xrouter",
        PUBLIC_URL="https://api.example.ru",
        SECRET_KEY="a secret of this test alone, 0123456789",
    )
    assert [name for name, check in checks.items() if check["status"] == "failure"] == ["database"]
    assert checks["credentials"]["status"] == "warning"


@pytest.mark.postgres
def test_a_broker_that_is_the_redis_is_corrected_where_the_redis_is():
    checks, _ = examine_apart(REDIS_URL="redis://127.0.0.1:9/0")
    assert "REDIS_URL" in checks["broker"]["remedy"]
    assert "CELERY" not in checks["broker"]["remedy"]


@pytest.mark.parametrize(
    ("free_bytes", "status"), [(50 * 2**20, "failure"), (500 * 2**20, "warning"), (2**40, "ok")]
)
def test_a_disk_that_fills_is_named_before_it_is_full(
    providers: Sandbox, monkeypatch: pytest.MonkeyPatch, free_bytes: int, status: str
):
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(2**40, 2**40, free_bytes))
    checks, _ = examine()
    disks = [check for name, check in checks.items() if name.startswith("disk ")]
    assert {check["status"] for check in disks} == {status}
    assert all(f"{free_bytes // 2**20} MiB are free" in check["message"] for check in disks)


@pytest.mark.parametrize(("ahead_s", "said"), [(3600, "behind"), (-3600, "ahead of")])
def test_a_clock_that_is_off_is_named(
    providers: Sandbox, monkeypatch: pytest.MonkeyPatch, ahead_s: float, said: str
):
    def of_another_clock(*, usegmt: bool) -> str:
        return formatdate(time.time() + ahead_s, usegmt=usegmt)

    monkeypatch.setattr("sandbox.core.delivery.formatdate", of_another_clock)
    assert said in fault("clock")
