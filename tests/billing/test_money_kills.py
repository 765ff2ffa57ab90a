"""Processes killed where it hurts most: between hold and call, call and settlement, in the settlement."""

import datetime as dt
import random
import signal
import sys
import time

import pytest
from django.db.models.functions import Now

from billing.errors import AlreadySettled
from billing.ledger import balances, ledger
from billing.ledger.holds import PlacedHold
from billing.ledger.sweep import sweep
from billing.models import Generation, LedgerEntry, ProcessLease
from billing.models import Hold as HoldRow
from billing.usage import generations
from billing.usage.generations import public_id
from tests.billing.money_processes import HANG_S, let_go, start, stopped_at, workers
from tests.billing.payers import CREDIT, PROCESS, ask, end, hold_one, open_account, payer


def a_minute_passes():
    dead = ProcessLease.objects.exclude(process_id=PROCESS)
    dead.update(renewed_at=Now() - dt.timedelta(seconds=61))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("failpoint", ["hold_committed", "settlement_not_committed"])
def test_what_a_killed_process_held_is_released_in_full(failpoint):
    account = open_account(5 * CREDIT)

    generation_id = stopped_at(failpoint, account.pk)

    assert balances.exact(account.pk) == balances.Balance(5 * CREDIT, CREDIT)
    assert sweep() == 0
    a_minute_passes()
    assert sweep() == 1
    assert balances.exact(account.pk) == balances.Balance(5 * CREDIT, 0)
    record = generations.find(public_id(generation_id), account_id=account.pk)
    assert record is not None
    assert (record.facts.error_code, record.charged_nano) == ("process_lost", 0)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_what_a_killed_process_had_settled_is_charged_once():
    account = open_account(5 * CREDIT)

    generation_id = stopped_at("settlement_committed", account.pk)
    a_minute_passes()
    again = end(PlacedHold(generation_id, account.pk, CREDIT, 0, 0), CREDIT)
    [outcome] = ledger.settle([again])

    assert isinstance(outcome, AlreadySettled)
    assert sweep() == 0
    assert LedgerEntry.objects.filter(kind="charge").count() == 1
    assert balances.exact(account.pk) == balances.Balance(4 * CREDIT, 0)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_admission_does_not_wait_for_the_sweep():
    account = open_account(CREDIT)
    stopped_at("hold_committed", account.pk)
    a_minute_passes()

    assert hold_one(ask(payer(account), CREDIT)).amount_nano == CREDIT


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_process_told_to_end_settles_what_it_has_queued():
    account = open_account(CREDIT)

    with workers(1, "leave_in_haste", 1, account.pk, 300) as running:
        let_go(running)
        assert running[0].wait(HANG_S) == 0

    assert not HoldRow.objects.exists()
    assert Generation.objects.filter(cost_nano=1).count() == 300


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_books_add_up_after_random_trade_and_random_kills():
    seed = 1
    chance = random.Random(seed)
    accounts = [open_account(number * 20 * CREDIT) for number in range(1, 4)]
    ids = [account.pk for account in accounts]

    for round_number in range(3):
        with workers(2, "trade", 8, f"{seed}-{round_number}", *ids) as running:
            let_go(running)
            time.sleep(0.3 + chance.random())
            for account in accounts:
                ledger.adjust(account.pk, 5 * CREDIT, reason="More to trade.", actor_id=None)
            for worker in running:
                worker.send_signal(signal.SIGKILL)
                worker.wait(HANG_S)
    a_minute_passes()
    sweep()

    assert Generation.objects.exclude(error_code="process_lost").count() > 20
    assert not HoldRow.objects.exists()
    for account in accounts:
        balance = balances.exact(account.pk)
        statement = balances.statement(account.pk)
        assert balance.held_nano == 0
        assert balance.posted_nano == statement.total_credits_nano - statement.total_usage_nano


PREPARE = """
import django
django.setup()
from tests.billing.payers import CREDIT, open_account
print(open_account(5 * CREDIT).pk)
"""
RECOVER = """
import datetime as dt, django
django.setup()
from django.core.management import call_command
from django.db.models.functions import Now
from billing.ledger import balances
from billing.models import ProcessLease
from billing.ledger.sweep import sweep
ProcessLease.objects.update(renewed_at=Now() - dt.timedelta(seconds=61))
assert sweep() == 1
assert balances.exact({account_id}) == balances.Balance(5 * 10**9, 0)
call_command("audit_ledger")
"""


@pytest.mark.embedded
def test_the_embedded_store_survives_a_killed_process_too(own_sqlite_url):
    def run(script):
        worker = start([sys.executable, "-c", script], own_sqlite_url)
        output, _ = worker.communicate(timeout=HANG_S)
        assert worker.returncode == 0
        return output.split("\n")

    account_id = run(PREPARE)[0]
    command = [sys.executable, "-m", "tests.billing.money_worker", "stop_at", "1", account_id]
    worker = start([*command, "settlement_not_committed"], own_sqlite_url)
    try:
        let_go([worker])
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        assert len(worker.stdout.readline()) == 33
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.communicate(timeout=HANG_S)
    assert run(RECOVER.format(account_id=account_id))[0] == "The books add up: drift 0."
