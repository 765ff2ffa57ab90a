"""Counting usage in many processes at once, killed wherever they are."""

import contextlib
import random
import signal
import sys
import time

import pytest
from django.db import connection

from billing.models import UsageDay, UsageWatermark
from billing.usage import aggregation
from tests.billing.money_processes import HANG_S, database_url, let_go, read_line, start
from tests.billing.payers import open_account
from tests.billing.usage_rows import ago, free_rows, raw, read

SQLITE = """
import django
django.setup()
from billing.usage import aggregation
from billing.models import UsageDay
from tests.billing.payers import open_account
from tests.billing.usage_rows import ago, free_rows, raw, read
"""
PREPARE = """
account = open_account()
free_rows(account.pk, 300, ago(days=9), ago(hours=2), seed=8)
print(account.pk)
"""
CHECK = """
assert not UsageDay.objects.exists()
assert read({account_id}) == raw({account_id})
for _ in range(3):
    aggregation.aggregate()
    assert read({account_id}) == raw({account_id})
assert sum(UsageDay.objects.values_list("requests", flat=True)) == 300
assert aggregation.find_drift() == []
"""


@contextlib.contextmanager
def counters(number, mode, address=""):
    command = [sys.executable, "-m", "tests.billing.usage_worker", mode]
    running = [start(command, address or database_url()) for _ in range(number)]
    try:
        for worker in running:
            assert read_line(worker) == "ready"
        let_go(running)
        yield running
    finally:
        for worker in running:
            worker.send_signal(signal.SIGKILL)
            worker.communicate(timeout=HANG_S)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_figures_are_right_after_parallel_counts_and_random_kills():
    seed = 1
    chance = random.Random(seed)
    account = open_account()
    for days_ago in (90, 60, 30):
        free_rows(account.pk, 900, ago(days=days_ago), ago(days=days_ago - 30, hours=-2), seed)
        before = UsageWatermark.objects.values_list("counted_until", flat=True).first()
        with counters(3, "count") as running:
            while UsageWatermark.objects.values_list("counted_until", flat=True).first() == before:
                assert all(worker.poll() is None for worker in running)
            for worker in running:
                time.sleep(chance.random() / 20)
                worker.send_signal(signal.SIGKILL)
            assert read(account.pk) == raw(account.pk)
        assert read(account.pk) == raw(account.pk)
    connection.close()
    for _ in range(3):
        aggregation.aggregate()
        assert read(account.pk) == raw(account.pk)
    assert aggregation.find_drift() == []
    assert sum(UsageDay.objects.values_list("requests", flat=True)) > 2500


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_count_killed_before_its_commit_has_counted_nothing():
    account = open_account()
    free_rows(account.pk, 100, ago(days=3), ago(hours=2), seed=3)
    with counters(1, "hang") as [worker]:
        assert read_line(worker) == "hanging"
        assert aggregation.aggregate() == 0
        assert read(account.pk) == raw(account.pk)
    assert not UsageDay.objects.exists()
    deadline = time.monotonic() + HANG_S
    while not aggregation.aggregate():  # the server notices the death of its client a moment later
        assert time.monotonic() < deadline
    assert read(account.pk) == raw(account.pk)
    assert aggregation.find_drift() == []


@pytest.mark.embedded
def test_a_count_of_the_embedded_store_that_is_killed_has_counted_nothing(own_sqlite_url):
    def run(script):
        process = start([sys.executable, "-c", SQLITE + script], own_sqlite_url)
        output, _ = process.communicate(timeout=HANG_S)
        assert process.returncode == 0
        return output.strip()

    account_id = run(PREPARE)
    with counters(1, "hang", own_sqlite_url) as [worker]:
        assert read_line(worker) == "hanging"
    run(CHECK.format(account_id=account_id))
