"""Balances: remembered for tiers until they change, exact for people."""

import datetime as dt
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import CredentialChange
from billing.ledger import balances, ledger
from billing.ledger.balances import KEPT_S, UNTOLD_S, Balance, BalanceMemory
from billing.ledger.key_budgets import KeyStanding, standing_of
from billing.models import Price
from billing.prices import current_prices
from billing.pricing import PriceValue
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, payer, settle_one

pytestmark = pytest.mark.both_stores


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


class Changes:
    """What a process knows of changes; a test makes them."""

    def __init__(self):
        self.version = 0
        self.is_told = True
        self.changed = {}

    def has_changed(self, account_id, version):
        return self.changed.get(account_id, 0) > version

    def change(self, account_id):
        self.version += 1
        self.changed[account_id] = self.version


def test_a_balance_is_believed_until_its_account_changes():
    clock, changes = Clock(), Changes()
    memory = BalanceMemory(entries_max=9, changes=changes, clock=clock)
    memory.put({1: Balance(5, 2), 2: Balance(7, 0)}, changes.version)

    clock.now_s += KEPT_S
    assert memory.get(1) == Balance(5, 2)
    assert memory.get(3) is None
    changes.change(1)
    assert (memory.get(1), memory.get(2)) == (None, Balance(7, 0))
    clock.now_s += 0.001
    assert memory.get(2) is None


def test_what_was_read_before_a_change_is_not_taken_for_what_is_after_it():
    changes = Changes()
    memory = BalanceMemory(entries_max=9, changes=changes, clock=Clock())
    version = changes.version
    changes.change(1)
    memory.put({1: Balance(5, 2)}, version)
    assert memory.get(1) is None
    memory.put({1: Balance(6, 2)}, changes.version)
    assert memory.get(1) == Balance(6, 2)


def test_a_balance_is_believed_for_a_second_where_nobody_tells_of_changes():
    clock, changes = Clock(), Changes()
    memory = BalanceMemory(entries_max=9, changes=changes, clock=clock)
    memory.put({1: Balance(5, 2)}, changes.version)
    changes.is_told = False

    clock.now_s += UNTOLD_S
    assert memory.get(1) == Balance(5, 2)
    clock.now_s += 0.001
    assert memory.get(1) is None


def test_the_memory_keeps_the_balances_that_were_put_last():
    memory = BalanceMemory(entries_max=3, changes=Changes(), clock=Clock())
    for number in (*range(9), 7):
        memory.put({number: Balance(number, 0)}, 0)
    assert [number for number in range(9) if memory.get(number)] == [6, 7, 8]


@pytest.mark.django_db
def test_an_account_that_was_never_opened_has_nothing():
    account = open_account()

    assert balances.posted_nano(account.pk) == 0
    assert balances.statement(account.pk) == balances.Statement(0, 0)


@pytest.mark.django_db
def test_a_recent_balance_asks_the_database_once():
    account = open_account(CREDIT)
    with CaptureQueriesContext(connection) as queries:
        assert [balances.posted_nano(account.pk) for _ in range(3)] == [CREDIT] * 3
    assert len(queries) == 1


@pytest.mark.django_db(transaction=True)
def test_what_the_ledger_commits_is_known_at_once():
    account = open_account(10 * CREDIT)
    assert balances.posted_nano(account.pk) == 10 * CREDIT

    hold = hold_one(ask(payer(account), 4 * CREDIT))
    with CaptureQueriesContext(connection) as queries:
        assert balances.recent(account.pk).available_nano == 6 * CREDIT
    settle_one(end(hold, 3 * CREDIT))
    assert balances.recent(account.pk) == Balance(7 * CREDIT, 0)
    assert len(queries) == 0


@pytest.mark.django_db
def test_all_processes_are_told_of_what_may_change_a_tier_and_of_no_other_charge():
    account = open_account(10 * CREDIT)

    def told_by(act):
        before = CredentialChange.objects.filter(account_id=account.pk).count()
        act()
        return CredentialChange.objects.filter(account_id=account.pk).count() - before

    def pay(amount_nano, held_nano):
        settle_one(end(hold_one(ask(payer(account), held_nano)), amount_nano))

    assert (
        told_by(lambda: ledger.adjust(account.pk, -CREDIT, reason="too much", actor_id=None)) == 1
    )
    assert told_by(lambda: pay(CREDIT, 2 * CREDIT)) == 0
    assert told_by(lambda: pay(CREDIT, CREDIT)) == 0
    assert told_by(lambda: pay(7 * CREDIT, 7 * CREDIT)) == 1
    assert balances.exact(account.pk) == Balance(0, 0)


@pytest.mark.django_db
def test_what_a_key_has_left_counts_its_period_and_its_open_holds():
    account = open_account(100 * CREDIT)
    principal = payer(account, limit_nano=10 * CREDIT, reset="daily")
    settle_one(end(hold_one(ask(principal, CREDIT)), CREDIT))
    hold_one(ask(principal, 4 * CREDIT))

    spent = KeyStanding(CREDIT, CREDIT, week_nano=CREDIT, month_nano=CREDIT)
    bounded = replace(spent, used_nano=5 * CREDIT, left_nano=5 * CREDIT)
    assert standing_of(principal) == bounded
    assert standing_of(payer(account)) == spent
    lowered = payer(account, limit_nano=2 * CREDIT)
    assert standing_of(lowered).left_nano == 0


@pytest.mark.django_db
def test_the_price_in_force_is_the_newest_that_is_valid():
    Price.objects.all().delete()
    now = timezone.now()
    rows = [
        Price.objects.create(
            model_id=model_id,
            valid_from=now + dt.timedelta(days=days),
            prompt_nano=prompt_nano,
            completion_nano=2,
            cached_nano=0,
        )
        for model_id, days, prompt_nano in (
            ("a", -1, 11),
            ("a", -9, 12),
            ("a", 9, 13),
            ("b", 9, 14),
        )
    ]

    assert current_prices(now) == {"a": PriceValue(rows[0].pk, 11, 2, 0)}
    assert current_prices(now + dt.timedelta(days=9)).keys() == {"a", "b"}
