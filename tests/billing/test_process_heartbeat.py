"""What dead processes hold: released in full, by whoever needs it or sweeps first, and by nobody else."""

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.db.models.functions import Now

from billing.errors import AlreadySettled, InsufficientCredits, KeyLimitReached
from billing.ledger import balances, ledger
from billing.ledger.process_heartbeat import ProcessHeartbeat
from billing.ledger.sql import LEASE_DEAD_S
from billing.ledger.sweep import sweep
from billing.models import Generation, Hold, LedgerEntry, ProcessLease
from billing.usage import generations
from billing.usage.generations import public_id
from tests.billing.payers import CREDIT, PROCESS, ask, end, hold_one, open_account, payer

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]

OTHER = uuid.UUID(int=2)


def live(process_id, age_s=0):
    ProcessLease.objects.filter(process_id=process_id).delete()
    ProcessLease.objects.create(
        process_id=process_id, renewed_at=Now() - dt.timedelta(seconds=age_s)
    )


def test_the_holds_of_a_dead_process_are_released_in_full_and_leave_a_record():
    account = open_account(10 * CREDIT)
    live(OTHER, LEASE_DEAD_S + 1)
    lost = [hold_one(ask(payer(account), 2 * CREDIT), OTHER) for _ in range(3)]
    kept = hold_one(ask(payer(account), CREDIT))
    entries = LedgerEntry.objects.count()

    assert sweep() == 3

    assert balances.exact(account.pk) == balances.Balance(10 * CREDIT, CREDIT)
    assert list(Hold.objects.values_list("id", flat=True)) == [kept.generation_id]
    assert LedgerEntry.objects.count() == entries
    for hold in lost:
        record = generations.find(public_id(hold.generation_id), account_id=account.pk)
        assert record is not None
        assert (record.facts.error_code, record.charged_nano) == ("process_lost", 0)
    assert sweep() == 0


@pytest.mark.parametrize(("age_s", "released"), [(LEASE_DEAD_S - 5, 0), (LEASE_DEAD_S + 1, 1)])
def test_a_process_is_dead_after_a_minute_of_silence(age_s, released):
    account = open_account(CREDIT)
    live(OTHER, age_s)
    hold_one(ask(payer(account), CREDIT), OTHER)

    assert sweep() == released


def test_a_process_without_a_lease_is_dead():
    account = open_account(CREDIT)
    hold_one(ask(payer(account), CREDIT), uuid.uuid4())

    assert sweep() == 1


def test_admission_ignores_what_dead_processes_hold_of_the_account():
    account, other = open_account(3 * CREDIT), open_account(CREDIT)
    hold_one(ask(payer(account), 3 * CREDIT), OTHER)
    hold_one(ask(payer(other), CREDIT), OTHER)

    assert hold_one(ask(payer(account), 2 * CREDIT)).available_nano == CREDIT
    assert Generation.objects.get().error_code == "process_lost"
    assert balances.exact(other.pk).held_nano == CREDIT


def test_admission_ignores_what_dead_processes_hold_of_a_keys_budget():
    account = open_account(10 * CREDIT)
    principal = payer(account, limit_nano=2 * CREDIT)
    hold_one(ask(principal, 2 * CREDIT), OTHER)

    assert hold_one(ask(principal, 2 * CREDIT)).amount_nano == 2 * CREDIT


def test_admission_counts_what_living_processes_hold():
    account = open_account(3 * CREDIT)
    live(OTHER)
    hold_one(ask(payer(account), 3 * CREDIT), OTHER)

    with pytest.raises(InsufficientCredits):
        hold_one(ask(payer(account), 1))
    with pytest.raises(KeyLimitReached):
        hold_one(ask(payer(account, limit_nano=0), CREDIT, 0))


def test_after_a_sweep_each_refused_request_of_a_batch_has_its_turn_again():
    account = open_account(3 * CREDIT)
    hold_one(ask(payer(account), 2 * CREDIT), OTHER)

    outcomes = ledger.hold(
        [ask(payer(account), number * CREDIT) for number in (2, 1, 1)], process_id=PROCESS
    )

    assert [type(outcome) for outcome in outcomes] == [
        ledger.PlacedHold,
        ledger.PlacedHold,
        InsufficientCredits,
    ]


def test_after_a_sweep_a_budget_still_counts_what_its_batch_was_granted_before():
    account = open_account(5 * CREDIT)
    hold_one(ask(payer(account, key_id=2), 4 * CREDIT), OTHER)
    principal = payer(account, limit_nano=3 * CREDIT)

    outcomes = ledger.hold([ask(principal, CREDIT), ask(principal, 3 * CREDIT)], process_id=PROCESS)

    assert [type(outcome) for outcome in outcomes] == [ledger.PlacedHold, KeyLimitReached]


def test_a_process_that_was_taken_for_dead_cannot_charge_what_was_released():
    account = open_account(CREDIT)
    hold = hold_one(ask(payer(account), CREDIT), OTHER)
    sweep()

    [outcome] = ledger.settle([end(hold, CREDIT)])
    [again] = ledger.settle([end(hold, CREDIT)], is_repeat=True)

    assert isinstance(outcome, AlreadySettled)
    assert isinstance(again, AlreadySettled)
    assert balances.exact(account.pk) == balances.Balance(CREDIT, 0)


def test_a_lease_is_renewed_by_the_databases_clock():
    heartbeat = ProcessHeartbeat()
    heartbeat.renew()
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_TIMESTAMP")
        now = cursor.fetchone()[0]
    renewed_at = ProcessLease.objects.exclude(process_id=PROCESS).get().renewed_at
    if isinstance(now, str):
        now = dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC)
    assert abs(renewed_at - now) < dt.timedelta(seconds=30)


def test_keeping_a_lease_writes_once_and_names_one_process():
    heartbeat = ProcessHeartbeat()
    try:
        first = heartbeat.keep()
        ProcessLease.objects.filter(process_id=first).update(
            renewed_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        )
        assert heartbeat.keep() == first
        assert ProcessLease.objects.get(process_id=first).renewed_at.year == 2020
    finally:
        heartbeat.stop()


def test_a_forked_child_is_a_process_of_its_own():
    heartbeat = ProcessHeartbeat()
    parent = heartbeat.keep()
    heartbeat.stop()
    heartbeat.reset()
    child = heartbeat.keep()
    heartbeat.stop()
    assert child != parent
