"""Races of real processes for the last credits and for one settlement, and what loses such races."""

import pytest

from billing.ledger import balances
from billing.models import CreditAccount, Generation, Hold, LedgerEntry
from tests.billing.money_processes import race
from tests.billing.payers import CREDIT, PROCESS, ask, hold_one, open_account, payer

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("processes", "environment"),
    [(2, {}), (4, {}), (2, {"POOL_SIZE": "1"}), (2, {"GEVENT": "yes"})],
    ids=["two processes", "four processes", "a connection each", "greenlets"],
)
def test_callers_at_once_get_exactly_as_many_holds_as_the_balance_covers(
    processes, environment, monkeypatch
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    account = open_account(17 * CREDIT + CREDIT // 2)

    granted = race(processes, "hold", 128 // processes, account.pk, CREDIT)

    assert (granted.count(True), granted.count(False)) == (17, 111)
    assert Hold.objects.count() == 17
    assert balances.exact(account.pk) == balances.Balance(17 * CREDIT + CREDIT // 2, 17 * CREDIT)


def test_reading_checking_and_writing_loses_that_race():
    account = open_account(2 * CREDIT)

    granted = race(2, "naive_hold", 8, account.pk, CREDIT)

    assert granted.count(True) > 2
    CreditAccount.objects.filter(account=account).update(held_nano=0)


def test_a_hundred_settlements_at_once_post_once():
    account = open_account(10 * CREDIT)
    hold = hold_one(ask(payer(account), CREDIT), PROCESS)

    done = race(2, "settle", 50, account.pk, hold.generation_id, CREDIT)

    assert (done.count(True), done.count(False)) == (1, 99)
    assert LedgerEntry.objects.filter(kind="charge").count() == Generation.objects.count() == 1
    assert balances.exact(account.pk) == balances.Balance(9 * CREDIT, 0)


def test_looking_before_charging_loses_that_race():
    account = open_account(100 * CREDIT)
    hold = hold_one(ask(payer(account), CREDIT), PROCESS)

    done = race(2, "naive_settle", 8, account.pk, hold.generation_id, CREDIT)

    assert done.count(True) > 1
    posted_nano = balances.exact(account.pk).posted_nano
    assert posted_nano == (100 - done.count(True)) * CREDIT
    CreditAccount.objects.filter(account=account).update(posted_nano=100 * CREDIT)
