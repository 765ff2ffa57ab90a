"""Balances: remembered for a second for tiers, exact for people."""

import datetime as dt
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.ledger import balances
from billing.ledger.balances import REMEMBERED_S, Balance, BalanceMemory
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


def test_a_balance_is_remembered_for_a_second():
    clock = Clock()
    memory = BalanceMemory(clock)
    memory.put({1: Balance(5, 2)})

    assert memory.get(1) == Balance(5, 2)
    assert memory.get(2) is None
    clock.now_s += REMEMBERED_S
    assert memory.get(1) == Balance(5, 2)
    clock.now_s += 0.001
    assert memory.get(1) is None


def test_the_memory_does_not_grow_without_end(monkeypatch):
    monkeypatch.setattr(balances, "MOST_REMEMBERED", 3)
    memory = BalanceMemory(Clock())
    for number in range(10):
        memory.put({number: Balance(number, 0)})

    known = [number for number in range(10) if memory.get(number)]
    assert 9 in known
    assert len(known) <= 3


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
