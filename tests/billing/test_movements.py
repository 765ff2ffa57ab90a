"""The movements that people make, and the ledger that keeps them for good."""

import uuid
from functools import partial

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F

from accounts.models import User
from billing.errors import AmountOutOfRange, InsufficientCredits, MovementRefused, UnknownAccount
from billing.ledger import balances, ledger
from billing.models import CreditAccount, Hold, LedgerEntry, Price
from infra.credits import MAX_AMOUNT_NANO
from tests.billing.payers import (
    CREDIT,
    ask,
    end,
    hold_one,
    open_account,
    pay_in,
    payer,
    refunded,
    settle_one,
)

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


def test_a_payment_is_credited_once_however_often_it_is_told_of():
    account = open_account()

    first = pay_in(account, 5 * CREDIT, "2f1c")
    again = ledger.top_up(account.pk, 5 * CREDIT, payment_id="2f1c")

    assert (first.is_new, again.is_new) == (True, False)
    assert (again.entry_id, again.balance_nano) == (first.entry_id, 5 * CREDIT)
    assert balances.exact(account.pk).posted_nano == 5 * CREDIT


def test_a_payment_told_of_with_another_amount_or_account_is_refused():
    account, other = open_account(), open_account()
    pay_in(account, 5 * CREDIT, "2f1c")

    with pytest.raises(MovementRefused):
        ledger.top_up(account.pk, 6 * CREDIT, payment_id="2f1c")
    with pytest.raises(MovementRefused):
        ledger.top_up(other.pk, 5 * CREDIT, payment_id="2f1c")
    assert balances.exact(other.pk).posted_nano == 0


@pytest.mark.parametrize("amount_nano", [0, -1, MAX_AMOUNT_NANO + 1])
def test_a_top_up_of_no_sensible_amount_is_refused(amount_nano):
    account = open_account()
    with pytest.raises(AmountOutOfRange):
        ledger.top_up(account.pk, amount_nano, payment_id="2f1c")
    assert not LedgerEntry.objects.exists()


def test_a_top_up_without_a_payment_is_refused():
    account = open_account()
    with pytest.raises(AmountOutOfRange):
        ledger.top_up(account.pk, CREDIT, payment_id="")


def test_an_adjustment_keeps_who_and_why():
    account = open_account(CREDIT)
    operator = User.objects.create_superuser("operator@example.ru")

    ledger.adjust(account.pk, -CREDIT // 2, reason=" Counted twice. ", actor_id=operator.pk)

    entry = LedgerEntry.objects.get(kind="adjustment")
    assert (entry.actor, entry.reason) == (operator, "Counted twice.")
    assert (entry.amount_nano, entry.balance_nano) == (-CREDIT // 2, CREDIT // 2)


@pytest.mark.parametrize("reason", ["", "  "])
def test_no_hand_moves_money_without_a_reason(reason):
    account = open_account(CREDIT)
    with pytest.raises(MovementRefused):
        ledger.adjust(account.pk, 1, reason=reason, actor_id=None)
    with pytest.raises(MovementRefused):
        ledger.write_off(account.pk, 1, reason=reason, actor_id=None)


def test_an_adjustment_takes_no_more_than_is_available():
    account = open_account(10 * CREDIT)
    hold_one(ask(payer(account), 7 * CREDIT))

    with pytest.raises(InsufficientCredits):
        ledger.adjust(account.pk, -3 * CREDIT - 1, reason="Too much.", actor_id=None)
    ledger.adjust(account.pk, -3 * CREDIT, reason="All of it.", actor_id=None)
    assert balances.exact(account.pk).available_nano == 0


def test_an_account_that_does_not_exist_has_no_money():
    with pytest.raises(UnknownAccount):
        ledger.adjust(10**9, CREDIT, reason="Nobody.", actor_id=None)
    assert balances.exact(10**9) == balances.Balance(0, 0)


def test_no_balance_grows_past_what_a_row_can_hold():
    account = open_account()
    for _ in range(8):
        ledger.adjust(account.pk, MAX_AMOUNT_NANO, reason="A rich account.", actor_id=None)
    with pytest.raises(AmountOutOfRange):
        ledger.adjust(account.pk, 1, reason="A richer one.", actor_id=None)
    hold = hold_one(ask(payer(account), MAX_AMOUNT_NANO))
    assert settle_one(end(hold, MAX_AMOUNT_NANO)).posted_nano == 7 * MAX_AMOUNT_NANO


def test_a_refund_is_of_one_charge_once_and_not_above_it():
    account = open_account(10 * CREDIT)
    hold = hold_one(ask(payer(account), 4 * CREDIT))
    settle_one(end(hold, 3 * CREDIT))
    refund = partial(ledger.refund, reason="A wrong answer.", actor_id=None)

    with pytest.raises(MovementRefused):
        refund(hold.generation_id, amount_nano=3 * CREDIT + 1)
    refund(hold.generation_id, amount_nano=2 * CREDIT)
    with pytest.raises(MovementRefused):
        refund(hold.generation_id, amount_nano=CREDIT)
    with pytest.raises(MovementRefused):
        refund(uuid.uuid4())

    assert balances.exact(account.pk).posted_nano == 9 * CREDIT


def test_credits_less_usage_is_the_posted_balance_after_every_kind_of_movement():
    account = open_account(10 * CREDIT)
    hold = hold_one(ask(payer(account), 10 * CREDIT))
    settle_one(end(hold, 12 * CREDIT))
    ledger.refund(hold.generation_id, reason="Too dear.", actor_id=None, amount_nano=4 * CREDIT)
    ledger.adjust(account.pk, -CREDIT, reason="Counted twice.", actor_id=None)
    ledger.write_off(account.pk, CREDIT, reason="Our fault.", actor_id=None)

    statement = balances.statement(account.pk)

    assert statement == balances.Statement(13 * CREDIT, 9 * CREDIT)
    assert statement.total_credits_nano - statement.total_usage_nano == (
        balances.exact(account.pk).posted_nano
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda entries: entries.update(reason="Another story."),
        lambda entries: entries.update(amount_nano=F("amount_nano") + 1),
        lambda entries: entries._raw_delete(entries.db),
    ],
)
def test_an_entry_is_neither_changed_nor_deleted(change):
    open_account(CREDIT)
    before = list(LedgerEntry.objects.values())

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change(LedgerEntry.objects.all())

    assert list(LedgerEntry.objects.values()) == before


def test_the_ledger_is_not_emptied_and_no_entry_replaced():
    account = open_account(CREDIT)
    columns = "id, account_id, kind, amount_nano, balance_nano, payment_id, reason, created_at"
    same = (
        "SELECT {}, account_id, kind, 2, 2, payment_id, 'A forgery.', created_at"
        " FROM billing_ledgerentry"
    )
    forgeries = {
        "postgresql": ["SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE billing_ledgerentry CASCADE"],
        "sqlite": [
            f"INSERT OR REPLACE INTO billing_ledgerentry ({columns}) {same.format(identity)}"
            for identity in ("id", "id + 1000")
        ]
        + ["UPDATE OR REPLACE billing_ledgerentry SET id = id + 1"],
    }
    before = list(LedgerEntry.objects.values())
    for forgery in forgeries[connection.vendor]:
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(forgery)
    assert list(LedgerEntry.objects.values()) == before
    assert balances.exact(account.pk).posted_nano == CREDIT


def test_a_refund_at_the_shop_takes_the_balance_below_zero_and_blocks_spending():
    account = open_account(10 * CREDIT)
    hold = hold_one(ask(payer(account), 6 * CREDIT))
    refunded(account, 9 * CREDIT)
    assert balances.exact(account.pk) == balances.Balance(CREDIT, 6 * CREDIT)

    with pytest.raises(InsufficientCredits):
        hold_one(ask(payer(account), 1))
    with pytest.raises(InsufficientCredits):
        ledger.adjust(account.pk, -1, reason="More.", actor_id=None)
    assert hold_one(ask(payer(account), 0)).amount_nano == 0
    settled = settle_one(end(hold, 6 * CREDIT))
    assert (settled.charged_nano, settled.posted_nano) == (6 * CREDIT, -5 * CREDIT)

    pay_in(account, 3 * CREDIT, "part of it")
    with pytest.raises(InsufficientCredits):
        hold_one(ask(payer(account), 1))
    pay_in(account, 3 * CREDIT, "the rest")
    assert hold_one(ask(payer(account), CREDIT)).available_nano == 0
    assert CreditAccount.objects.get().debt_nano == 0


def test_what_an_answer_costs_above_its_hold_is_no_debt_of_the_payer():
    account = open_account(10 * CREDIT)
    hold = hold_one(ask(payer(account), 6 * CREDIT))
    refunded(account, 9 * CREDIT)
    settle_one(end(hold, 8 * CREDIT))
    assert balances.exact(account.pk).posted_nano == -5 * CREDIT


def test_a_refund_at_the_shop_is_taken_back_once():
    account = open_account(10 * CREDIT)
    refunded(account, 4 * CREDIT, "a refund")
    with pytest.raises(MovementRefused):
        ledger.take_back(account.pk, 4 * CREDIT, refund_id="a refund", reason="Again.")
    assert balances.exact(account.pk).posted_nano == 6 * CREDIT
    assert balances.statement(account.pk) == balances.Statement(6 * CREDIT, 0)


@pytest.mark.parametrize("debt_nano", [-1, 4])
def test_the_database_refuses_to_spend_what_is_not_there(debt_nano):
    account = open_account(CREDIT)
    refunded(account, 6 * CREDIT)
    with pytest.raises(IntegrityError), transaction.atomic():
        CreditAccount.objects.update(debt_nano=debt_nano * CREDIT)
    with pytest.raises(IntegrityError), transaction.atomic():
        CreditAccount.objects.update(posted_nano=F("posted_nano") - 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "top_up", "amount_nano": -1, "payment_id": "p"},
        {"kind": "top_up", "amount_nano": 1},
        {"kind": "charge", "amount_nano": 1, "generation_id": uuid.UUID(int=1)},
        {"kind": "charge", "amount_nano": -1},
        {"kind": "refund", "amount_nano": -1, "reason": "r"},
        {"kind": "write_off", "amount_nano": -1, "reason": "r"},
        {"kind": "adjustment", "amount_nano": 0, "reason": "r"},
        {"kind": "adjustment", "amount_nano": 1},
        {"kind": "gift", "amount_nano": 1, "reason": "r"},
        {"kind": "returned", "amount_nano": 1, "payment_id": "p"},
        {"kind": "returned", "amount_nano": -1, "reason": "r"},
    ],
)
def test_the_database_refuses_an_entry_against_the_rules(fields):
    account = open_account()
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(**({"account": account, "balance_nano": 1} | fields))


@pytest.mark.parametrize("kind", ["charge", "refund", "write_off"])
def test_the_database_lets_a_generation_move_money_once_a_kind(kind):
    account = open_account()
    entry = {
        "account": account,
        "kind": kind,
        "amount_nano": -1 if kind == "charge" else 1,
        "balance_nano": 0,
        "generation_id": uuid.uuid4(),
        "reason": "r",
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.bulk_create([LedgerEntry(**entry), LedgerEntry(**entry)])


@pytest.mark.parametrize(
    "changes", [{"held_nano": CREDIT + 1}, {"held_nano": -1}, {"posted_nano": -1}]
)
def test_the_database_refuses_a_balance_below_nothing(changes):
    account = open_account(CREDIT)
    with pytest.raises(IntegrityError), transaction.atomic():
        CreditAccount.objects.filter(account=account).update(**changes)


def test_the_database_refuses_a_negative_hold_and_a_second_of_the_same_generation():
    account = open_account(CREDIT)
    hold_one(ask(payer(account), CREDIT))
    with pytest.raises(IntegrityError), transaction.atomic():
        Hold.objects.update(amount_nano=-1)
    row = Hold.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.parametrize("field", ["prompt_nano", "completion_nano", "cached_nano"])
def test_the_database_refuses_a_negative_price(field):
    price = {"prompt_nano": 1, "completion_nano": 0, "cached_nano": 0} | {field: -1}
    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(model_id="m", valid_from="2026-01-01T00:00:00Z", **price)


def test_money_is_whole_numbers_in_every_column():
    with connection.cursor() as cursor:
        tables = [
            table for table in connection.introspection.table_names(cursor) if "billing_" in table
        ]
        kinds = {
            (table, column.name): connection.introspection.get_field_type(column.type_code, column)
            for table in tables
            for column in connection.introspection.get_table_description(cursor, table)
            if column.name.endswith("_nano")
        }
    assert len(kinds) >= 11
    assert set(kinds.values()) == {"BigIntegerField"}
