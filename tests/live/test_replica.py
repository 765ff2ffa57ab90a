"""What is read from DATABASE_REPLICA_URL: lists for people, from another database here, so that it shows."""

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.live.callers import wait_until
from tests.live.service import Console, Service, database, serve

pytestmark = pytest.mark.postgres

MARKED = """
import datetime as dt, sys
from accounts.models import Account
from billing.models import Generation, LedgerEntry, UsageDay
from billing.usage import generations
from django.utils import timezone
from infra.moscow_time import moscow_day
account, mark = Account.objects.get(pk=sys.argv[1]), sys.argv[2]
today = moscow_day(timezone.now())
figures = dict.fromkeys(("errors", "tokens_cached", "upstream_cost_nano"), 0)
UsageDay.objects.create(
    account=account, day=today, credential_kind="session", credential_id=1, model_id=f"{mark}-day",
    requests=1, tokens_prompt=7, tokens_completion=7, cost_nano=0, **figures)
Generation.objects.create(
    id=generations.new_id(), account=account, user_id=account.owner_id, credential_kind="session",
    credential_id=1, is_test=False, requested_model=f"{mark}-row", model_id=f"{mark}-row", provider="gigachat",
    is_streamed=False, is_cancelled=False, day=today, created_at=timezone.now(), tokens_prompt=1,
    tokens_completion=1, tokens_cached=0, tokens_source="provider", cost_nano=0, write_off_nano=0,
    finish_reason="stop", native_finish_reason="", error_code="", attempts=[], adapted=[])
LedgerEntry.objects.create(
    account=account, kind="adjustment", amount_nano=1, balance_nano=1, reason=f"{mark} entry")
"""
PAGES = """
import sys
from django.test import Client
from accounts.models import User
from tests.accounts.operators import seat
User.objects.update(is_staff=True, is_superuser=True)
browser = seat(Client(SERVER_NAME="127.0.0.1"), User.objects.get(email=sys.argv[1]))
for path in sys.argv[2:]:
    page = browser.get(path)
    assert page.status_code == 200, (path, page.status_code)
    text = page.content.decode() if not page.streaming else page.getvalue().decode()
    print(path, *(mark for mark in ("primary", "replica") if f"{mark}-" in text or f"{mark} entry" in text))
"""
LISTS = (
    *("/cabinet/usage/?group=model", "/cabinet/usage/?format=csv", "/cabinet/generations/"),
    *("/cabinet/billing/ledger/", "/admin/billing/generation/", "/admin/billing/ledgerentry/"),
    *("/admin/billing/generation/?_csv=1", "/admin/billing/ledgerentry/?_csv=1"),
    "/admin/",
)
TOLD = "The read replica does not answer"
EMAIL = "anna@example.com"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("replica")
    with (
        database("postgres", folder) as replica_url,
        serve("postgres", folder, DATABASE_REPLICA_URL=replica_url) as service,
    ):
        yield service


def _console(service: Service, database_url: str) -> Console:
    """Return a console on one database alone."""
    alone = {name: value for name, value in service.environment.items() if "REPLICA" not in name}
    return Console(alone | {"DATABASE_URL": database_url})


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    """Return the key of an account that is in both databases, with rows that name theirs."""
    raw = service.key(EMAIL, balance="5")
    for mark, name in (("primary", "DATABASE_URL"), ("replica", "DATABASE_REPLICA_URL")):
        with contextlib.closing(_console(service, service.environment[name])) as console:
            if mark == "replica":
                console.run("issue_key", EMAIL, "--credits", "7")
            console.run("-c", MARKED, str(service.account_of(raw)), mark)
    return raw


def _activity(service: Service, key: str) -> set[str]:
    with service.http(key) as http:
        answer = http.get("/v1/activity")
    assert answer.status_code == 200
    rows: list[dict[str, Any]] = answer.json()["data"]
    return {row["model"] for row in rows}


def test_lists_come_from_the_replica_and_balances_keys_and_charges_from_the_primary(
    service: Service, key: str
) -> None:
    shown = service.python(PAGES, EMAIL, *LISTS).splitlines()
    assert shown == [f"{path} replica" for path in LISTS]
    assert _activity(service, key) == {"replica-day", "replica-row"}
    with service.http(key) as http:
        before = http.get("/v1/credits").json()["data"]
        assert before["total_credits"] == pytest.approx(5, abs=1e-6)
        body = {"model": "gigachat-pro", "messages": [{"role": "user", "content": "Привет"}]}
        answer = http.post("/v1/chat/completions", json=body).json()
        assert http.get("/v1/generation", params={"id": answer["id"]}).status_code == 200
        after = http.get("/v1/credits").json()["data"]
    assert after["total_usage"] - before["total_usage"] == pytest.approx(answer["usage"]["cost"])
    found = "SELECT model_id FROM billing_generation ORDER BY id DESC LIMIT 1"
    assert service.query(found) == [("gigachat-pro",)]
    with psycopg.connect(service.environment["DATABASE_REPLICA_URL"]) as replica:
        assert replica.execute(found).fetchone() == ("replica-row",)


def test_what_was_read_from_the_replica_is_saved_in_the_primary(service: Service, key: str) -> None:
    printed = service.python(
        """
        from accounts.models import Account
        from infra.replica import from_replica
        account = from_replica(lambda: Account.objects.order_by("pk").last())()
        assert account._state.db == "replica"
        account.name = "Renamed"
        account.save()
        print(Account.objects.get(pk=account.pk).name, account._state.db)
        """
    )
    assert printed.split() == ["Renamed", "default"]


def test_doctor_says_that_it_is_no_standby(service: Service, key: str) -> None:
    report = service.python(
        "from gateway.doctor.stores import replica\nprint([check.status for check in replica()])"
    )
    assert report.strip() == "['warning']"


def test_a_replica_that_is_away_is_one_line_of_the_log_and_the_primary_answers(
    service: Service, key: str
) -> None:
    name = urlsplit(service.environment["DATABASE_REPLICA_URL"]).path[1:]
    wait_until(lambda: "replica-day" in _activity(service, key), "the replica is read")
    service.query(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    service.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", name)
    try:
        told = service.log.read_text().count(TOLD)
        assert _activity(service, key) >= {"primary-day", "primary-row"}
        assert service.log.read_text().count(TOLD) == told + 1
        report = service.python(
            "from gateway.doctor.stores import replica\nprint([check.status for check in replica()])"
        )
        assert report.strip() == "['failure']"
    finally:
        service.query(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    wait_until(lambda: "replica-day" in _activity(service, key), "the replica is read again")
