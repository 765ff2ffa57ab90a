"""Holds: what is set aside, what is refused, and what every hold leaves as it was."""

import uuid

import pytest

from billing.errors import (
    AmountOutOfRange,
    InsufficientCredits,
    KeyLimitReached,
    RecordRefused,
    UnknownAccount,
)
from billing.ledger import balances, ledger
from billing.models import Hold as HoldRow
from billing.models import LedgerEntry
from tests.billing.payers import (
    CREDIT,
    PROCESS,
    all_held,
    ask,
    end,
    hold_one,
    open_account,
    payer,
    settle_one,
)

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


def test_a_hold_sets_money_aside_and_posts_nothing():
    account = open_account(10 * CREDIT)
    entries = LedgerEntry.objects.count()

    hold = hold_one(ask(payer(account), 3 * CREDIT))

    assert (hold.amount_nano, hold.posted_nano) == (3 * CREDIT, 10 * CREDIT)
    assert hold.available_nano == 7 * CREDIT
    assert balances.exact(account.pk).available_nano == 7 * CREDIT
    assert LedgerEntry.objects.count() == entries


def test_a_hold_is_what_is_available_when_that_is_less_than_wanted():
    account = open_account(2 * CREDIT)

    assert hold_one(ask(payer(account), 5 * CREDIT, CREDIT)).amount_nano == 2 * CREDIT


def test_a_hold_below_the_least_is_refused_and_says_what_is_missing():
    account = open_account(2 * CREDIT)

    with pytest.raises(InsufficientCredits, match="needs 3 credits at least, and 2 are available"):
        hold_one(ask(payer(account), 5 * CREDIT, 3 * CREDIT))
    assert not HoldRow.objects.exists()


def test_requests_of_one_batch_are_granted_in_turn_down_to_the_last_credit():
    account = open_account(7 * CREDIT)
    requests = [ask(payer(account), 2 * CREDIT) for _ in range(5)]

    outcomes = ledger.hold(requests, process_id=PROCESS)

    assert [isinstance(outcome, ledger.PlacedHold) for outcome in outcomes] == [True] * 3 + [
        False
    ] * 2
    assert balances.exact(account.pk).available_nano == CREDIT


def test_an_account_without_money_may_hold_nothing_and_needs_a_row_for_that():
    account = open_account()

    hold = hold_one(ask(payer(account), 0))

    assert hold.amount_nano == 0
    assert HoldRow.objects.get().id == hold.generation_id


def test_a_batch_over_many_accounts_takes_each_from_its_own():
    accounts = [open_account(number * CREDIT) for number in (1, 2, 3)]

    outcomes = ledger.hold(
        [ask(payer(account), 2 * CREDIT) for account in reversed(accounts)], process_id=PROCESS
    )

    assert [type(outcome) for outcome in outcomes] == [
        ledger.PlacedHold,
        ledger.PlacedHold,
        InsufficientCredits,
    ]


def test_a_bad_row_does_not_fail_its_neighbours():
    account = open_account(10 * CREDIT)
    taken = hold_one(ask(payer(account), CREDIT))
    stranger = open_account()
    stranger.pk += 1_000_000

    outcomes = ledger.hold(
        [
            ask(payer(account), CREDIT),
            ask(payer(account), CREDIT, generation_id=taken.generation_id),
            ask(payer(stranger), 0),
            ask(payer(account), CREDIT, 2 * CREDIT),
            ask(payer(account), 2**80, 1),
            ask(payer(account), 0),
        ],
        process_id=PROCESS,
    )

    assert [type(outcome) for outcome in outcomes] == [
        ledger.PlacedHold,
        RecordRefused,
        UnknownAccount,
        AmountOutOfRange,
        ledger.PlacedHold,
        ledger.PlacedHold,
    ]
    assert balances.exact(account.pk).available_nano == 0


def test_a_repeated_batch_grants_the_holds_that_were_committed_unseen():
    account = open_account(10 * CREDIT)
    requests = [ask(payer(account), 2 * CREDIT) for _ in range(3)]
    first = all_held(ledger.hold(requests[:2], process_id=PROCESS))

    again = all_held(ledger.hold(requests, process_id=PROCESS, is_repeat=True))

    assert [hold.amount_nano for hold in again] == [2 * CREDIT] * 3
    assert [hold.generation_id for hold in again[:2]] == [hold.generation_id for hold in first]
    assert balances.exact(account.pk).held_nano == 6 * CREDIT


def test_a_repetition_grants_no_hold_of_another_process():
    account = open_account(10 * CREDIT)
    request = ask(payer(account), 2 * CREDIT)
    hold_one(request, process_id=uuid.UUID(int=2))

    [outcome] = ledger.hold([request], process_id=PROCESS, is_repeat=True)

    assert isinstance(outcome, RecordRefused)


def test_a_key_spends_no_more_than_its_budget_whatever_is_open():
    account = open_account(100 * CREDIT)
    principal = payer(account, limit_nano=10 * CREDIT, reset="monthly")
    hold = hold_one(ask(principal, 4 * CREDIT))
    settle_one(end(hold, 3 * CREDIT))
    hold_one(ask(principal, 5 * CREDIT))

    assert hold_one(ask(principal, 5 * CREDIT, CREDIT)).amount_nano == 2 * CREDIT
    with pytest.raises(KeyLimitReached, match="leaves 0"):
        hold_one(ask(principal, 1))
    assert hold_one(ask(payer(account, key_id=2), 5 * CREDIT)).amount_nano == 5 * CREDIT


def test_a_budget_is_shared_by_the_requests_of_one_batch():
    account = open_account(100 * CREDIT)
    principal = payer(account, limit_nano=3 * CREDIT)

    outcomes = ledger.hold([ask(principal, 2 * CREDIT) for _ in range(2)], process_id=PROCESS)

    assert [type(outcome) for outcome in outcomes] == [ledger.PlacedHold, KeyLimitReached]


def test_a_spent_budget_does_not_stop_what_is_free():
    account = open_account(100 * CREDIT)
    principal = payer(account, limit_nano=0)

    assert hold_one(ask(principal, 0)).amount_nano == 0
    with pytest.raises(KeyLimitReached):
        hold_one(ask(principal, CREDIT, 0))
