"""Without Redis, limits and slots are divided by the living processes of all machines."""

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db.models.functions import Now

from billing.ledger import live_processes
from billing.ledger.process_heartbeat import ProcessHeartbeat
from billing.models import ProcessLease

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _unknown(monkeypatch):
    monkeypatch.setattr(live_processes, "_found", 0)


def test_before_the_first_heartbeat_it_is_what_this_machine_runs():
    assert live_processes.at_least(2) == 2


def test_the_living_of_all_machines_count_and_the_dead_do_not():
    before = ProcessLease.objects.count()
    for age_s in (0, 5, 30, 61, 3000):
        renewed_at = Now() - dt.timedelta(seconds=age_s)
        ProcessLease.objects.create(process_id=uuid.uuid4(), renewed_at=renewed_at)
    live_processes.look()
    assert live_processes.at_least(2) == before + 3
    assert live_processes.at_least(10) == 10


@pytest.mark.django_db(transaction=True)
def test_every_heartbeat_counts_them():
    for _ in range(3):
        ProcessLease.objects.create(process_id=uuid.uuid4(), renewed_at=Now())
    alive = ProcessLease.objects.count()
    heartbeat = ProcessHeartbeat()
    with ThreadPoolExecutor(1) as thread:  # it takes a connection of its own for its thread
        thread.submit(heartbeat._beat).result()
    assert live_processes.at_least(1) == alive + 1  # with its own
