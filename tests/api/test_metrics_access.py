"""Who may read /metrics, and what /health answers while a store is away."""

import threading
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from gateway.api import readiness

pytestmark = pytest.mark.django_db

OUTSIDE = "198.51.100.7"


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.0.0.9", {}, 200),  # a proxy of ours scrapes for itself
        ("10.0.0.9", {"x-forwarded-for": OUTSIDE}, 401),
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, 401),
        (OUTSIDE, {}, 401),
        (OUTSIDE, {"authorization": "Bearer wrong"}, 401),
        (OUTSIDE, {"authorization": "Bearer of-the-operator"}, 200),
        (OUTSIDE, {"authorization": "bearer of-the-operator"}, 200),
        (OUTSIDE, {"authorization": "Basic of-the-operator"}, 401),
    ],
)
def test_only_this_machine_and_whoever_has_the_token_reads_metrics(
    client: Client, settings: Any, peer: str, headers: dict[str, str], status: int
):
    settings.METRICS_TOKEN = "of-the-operator"
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    assert client.get("/metrics", headers=headers, REMOTE_ADDR=peer).status_code == status


def test_without_a_token_metrics_are_nowhere_for_others(client: Client):
    bearer = {"authorization": "Bearer "}
    assert client.get("/metrics", headers=bearer, REMOTE_ADDR=OUTSIDE).status_code == 404


def test_live_asks_no_store_and_ready_tells_of_each(client: Client, monkeypatch: Any):
    assert client.get("/health/ready").json()["parts"]["migrations"] == "applied"

    def away(*_: object) -> None:
        raise OperationalError("the server is away")

    monkeypatch.setattr(connection, "cursor", away)
    assert client.get("/health/live").status_code == 200
    for path in ("/health", "/health/ready/"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["parts"]["database"]) == (503, "away")


def test_a_database_that_is_not_migrated_serves_nobody(client: Client, monkeypatch: Any):
    monkeypatch.setattr(readiness, "_was_migrated", threading.Event())
    MigrationRecorder(connection).Migration.objects.filter(app="billing").delete()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE billing_jobsuccess")
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json() | {"version": ""} == {
        "status": "unavailable",
        "version": "",
        "parts": {
            "database": "ok",
            "redis": answer.json()["parts"]["redis"],
            "migrations": "pending",
        },
        "jobs": {},
    }
