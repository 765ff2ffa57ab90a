"""Settlements: what is charged by which rule, once, and what becomes of those that cannot be booked."""

import uuid
from dataclasses import replace

import pytest

from billing.errors import AlreadySettled, AmountOutOfRange, RecordRefused
from billing.ledger import balances, ledger
from billing.ledger.key_budgets import KeyStanding, standing_of
from billing.models import Generation, LedgerEntry, Price, Spending
from billing.models import Hold as HoldRow
from billing.usage import generations
from billing.usage.generations import AttemptRecord, public_id
from tests.billing.payers import (
    CREDIT,
    MODEL,
    all_settled,
    ask,
    end,
    hold_one,
    open_account,
    payer,
    settle_one,
)

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


def movements(generation_id):
    entries = LedgerEntry.objects.filter(generation_id=generation_id).order_by("id")
    return list(entries.values_list("kind", "amount_nano", "balance_nano"))


def test_a_finished_answer_is_charged_exactly_and_the_rest_of_the_hold_is_free_again():
    account = open_account(10 * CREDIT)
    hold = hold_one(ask(payer(account), 4 * CREDIT))

    settled = settle_one(end(hold, 123_456_789))

    assert settled.charged_nano == 123_456_789
    assert movements(hold.generation_id) == [("charge", -123_456_789, 10 * CREDIT - 123_456_789)]
    assert balances.exact(account.pk) == balances.Balance(10 * CREDIT - 123_456_789, 0)
    assert not HoldRow.objects.exists()


def test_a_finished_answer_above_its_hold_takes_the_rest_from_what_is_available():
    account = open_account(10 * CREDIT)
    hold = hold_one(ask(payer(account), 2 * CREDIT))

    settled = settle_one(end(hold, 5 * CREDIT))

    assert (settled.charged_nano, settled.write_off_nano) == (5 * CREDIT, 0)
    assert settled.posted_nano == 5 * CREDIT


def test_what_a_finished_answer_costs_above_all_there_is_is_written_off_and_seen():
    account = open_account(10 * CREDIT)
    hold = hold_one(ask(payer(account), 2 * CREDIT))
    other = hold_one(ask(payer(account), 7 * CREDIT))

    settled = settle_one(end(hold, 5 * CREDIT))

    assert (settled.charged_nano, settled.write_off_nano) == (3 * CREDIT, 2 * CREDIT)
    assert movements(hold.generation_id) == [
        ("write_off", 2 * CREDIT, 12 * CREDIT),
        ("charge", -5 * CREDIT, 7 * CREDIT),
    ]
    row = Generation.objects.get(id=hold.generation_id)
    assert (row.cost_nano, row.write_off_nano) == (5 * CREDIT, 2 * CREDIT)
    assert settled.available_nano == 0
    assert settle_one(end(other, 7 * CREDIT)).posted_nano == 0


@pytest.mark.parametrize(("cost", "charged"), [(1, 1), (2, 2), (5, 2)])
def test_a_cut_answer_never_costs_more_than_its_hold(cost, charged):
    account = open_account(10 * CREDIT)
    hold = hold_one(ask(payer(account), 2 * CREDIT))

    assert settle_one(end(hold, cost * CREDIT, "cut")).charged_nano == charged * CREDIT
    assert balances.exact(account.pk) == balances.Balance((10 - charged) * CREDIT, 0)


def test_a_void_answer_costs_nothing_and_writes_no_entry():
    account = open_account(10 * CREDIT)
    hold = hold_one(ask(payer(account), 2 * CREDIT))

    assert settle_one(end(hold, 5 * CREDIT, "void")).charged_nano == 0
    assert movements(hold.generation_id) == []
    assert balances.exact(account.pk) == balances.Balance(10 * CREDIT, 0)
    assert Generation.objects.get(id=hold.generation_id).cost_nano == 0


def test_a_hold_is_settled_once_whoever_comes_second():
    account = open_account(10 * CREDIT)
    hold = hold_one(ask(payer(account), 2 * CREDIT))

    outcomes = ledger.settle([end(hold, CREDIT), end(hold, 2 * CREDIT)])
    with pytest.raises(AlreadySettled):
        settle_one(end(hold, 2 * CREDIT))

    assert [type(outcome) for outcome in outcomes] == [ledger.Settled, AlreadySettled]
    assert balances.exact(account.pk).posted_nano == 9 * CREDIT


def test_a_hold_that_never_was_cannot_be_settled():
    account = open_account(CREDIT)
    never = hold_one(ask(payer(account), 0))._replace(generation_id=uuid.uuid4())

    with pytest.raises(AlreadySettled):
        settle_one(end(never, CREDIT))
    assert balances.exact(account.pk).posted_nano == CREDIT


def test_a_repeated_batch_reads_again_what_was_committed_unseen():
    account = open_account(10 * CREDIT)
    holds = [hold_one(ask(payer(account), 2 * CREDIT)) for _ in range(2)]
    settle_one(end(holds[0], CREDIT))

    settled = all_settled(ledger.settle([end(hold, CREDIT) for hold in holds], is_repeat=True))

    assert [outcome.charged_nano for outcome in settled] == [CREDIT, CREDIT]
    assert balances.exact(account.pk).posted_nano == 8 * CREDIT


@pytest.mark.parametrize(
    ("bad", "refusal"),
    [
        pytest.param({"provider": "zero \0 byte"}, RecordRefused, marks=pytest.mark.postgres),
        ({"latency_ms": 2**70}, RecordRefused),
        ({"tokens_prompt": -1}, RecordRefused),
        ({"tokens_prompt": 1, "tokens_cached": 2}, RecordRefused),
        ({"cost_nano": 2**63}, AmountOutOfRange),
        ({"cost_nano": -1}, AmountOutOfRange),
    ],
)
def test_a_settlement_that_cannot_be_booked_frees_its_hold_and_no_neighbour_suffers(bad, refusal):
    account = open_account(10 * CREDIT)
    holds = [hold_one(ask(payer(account), 2 * CREDIT)) for _ in range(3)]
    settlements = [end(hold, CREDIT) for hold in holds]
    facts = {name: value for name, value in bad.items() if name != "cost_nano"}
    settlements[1] = end(holds[1], bad.get("cost_nano", CREDIT), **facts)

    outcomes = ledger.settle(settlements)

    assert [type(outcome) for outcome in outcomes] == [ledger.Settled, refusal, ledger.Settled]
    assert balances.exact(account.pk) == balances.Balance(8 * CREDIT, 0)
    record = generations.find(public_id(holds[1].generation_id), account_id=account.pk)
    assert record is not None
    assert (record.facts.error_code, record.charged_nano) == ("settlement_refused", 0)


def test_a_settlement_keeps_every_fact_and_no_word_of_the_talk():
    account = open_account(10 * CREDIT)
    price = Price.objects.create(
        model_id=MODEL,
        valid_from="2026-01-01T00:00:00Z",
        prompt_nano=2,
        completion_nano=3,
        cached_nano=0,
    )
    hold = hold_one(ask(payer(account), 2 * CREDIT))
    attempts = [AttemptRecord(provider="gigachat", model=MODEL, outcome="answered", ms=7)]
    settlement = end(
        hold,
        CREDIT,
        provider="gigachat",
        is_streamed=True,
        is_cancelled=True,
        tokens_prompt=30,
        tokens_completion=20,
        tokens_cached=10,
        tokens_source="estimated",
        price_id=price.pk,
        upstream_cost_nano=5,
        latency_ms=1200,
        time_to_first_token_ms=300,
        finish_reason="stop",
        native_finish_reason="ALTERNATIVE_STATUS_FINAL",
        error_code="provider_timeout",
        attempts=attempts,
        adapted=["temperature=clamped"],
    )
    settle_one(settlement)

    record = generations.find(public_id(hold.generation_id), account_id=account.pk)

    assert record is not None
    assert replace(record.facts, attempts=attempts, adapted=["temperature=clamped"]) == (
        settlement.facts
    )
    assert (list(record.facts.attempts), list(record.facts.adapted)) == (
        attempts,
        ["temperature=clamped"],
    )
    assert record.charged_nano == CREDIT
    assert record.requested_model == MODEL


def test_a_generation_of_another_account_does_not_exist():
    account, other = open_account(CREDIT), open_account()
    hold = hold_one(ask(payer(account), CREDIT))
    settle_one(end(hold))

    assert generations.find(public_id(hold.generation_id), account_id=other.pk) is None
    assert generations.find(str(hold.generation_id), account_id=account.pk) is None
    assert generations.find("gen-" + "0" * 32, account_id=account.pk) is None


def test_spending_is_kept_by_credential_and_day():
    account = open_account(10 * CREDIT)
    callers = [payer(account, key_id=key_id) for key_id in (1, 1, 2)]
    for principal in [*callers, payer(account, key_id=1, kind="oauth")]:
        hold = hold_one(ask(principal, 2 * CREDIT))
        settle_one(end(hold, CREDIT))

    rows = Spending.objects.order_by("credential_kind", "credential_id")
    assert list(rows.values_list("credential_kind", "credential_id", "spent_nano")) == [
        ("key", 1, 2 * CREDIT),
        ("key", 2, CREDIT),
        ("oauth", 1, CREDIT),
    ]
    assert standing_of(payer(account, limit_nano=5 * CREDIT)) == KeyStanding(
        *(2 * CREDIT, 2 * CREDIT),
        used_nano=2 * CREDIT,
        left_nano=3 * CREDIT,
        week_nano=2 * CREDIT,
        month_nano=2 * CREDIT,
    )
