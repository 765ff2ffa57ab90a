"""The audit of the books: silent while they add up, and loud about every way they can fail to."""

import io
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone

from billing.ledger import audit, ledger
from billing.ledger.audit import AUDITED, BALANCE, CHAIN, LAST, POSTED, RULES, find_drift
from billing.models import (
    AuditCheckpoint,
    CodeBatch,
    CreditAccount,
    Generation,
    Hold,
    LedgerEntry,
    Payment,
    RedemptionCode,
    Spending,
)
from tests.billing.append_only import forge
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, pay_in, payer, settle_one

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


class Undo(Exception):
    pass


@pytest.fixture
def busy_books():
    """Return an account with an entry, a hold, a charge and a write-off."""
    account = open_account(10 * CREDIT)
    hold = hold_one(ask(payer(account), 2 * CREDIT))
    hold_one(ask(payer(account), CREDIT))
    settle_one(end(hold, 11 * CREDIT))
    return account


def entry(account, **fields):
    defaults = {"account": account, "kind": "adjustment", "reason": "A forgery."}
    LedgerEntry.objects.create(**(defaults | fields))


def redeem_for_less(account):
    """Have a code answer for a top-up that is not of its amount."""
    batch = CodeBatch.objects.create(
        key=uuid.uuid4(),
        amount_nano=CREDIT,
        expires_at=timezone.now(),
        note="A forgery.",
        made_by=account.owner,
    )
    top_up = LedgerEntry.objects.get(account=account, kind="top_up")
    RedemptionCode.objects.create(
        batch=batch,
        digest="0" * 64,
        tail="0000",
        redeemed_at=timezone.now(),
        account=account,
        entry=top_up,
    )


FORGERIES = {
    POSTED: lambda account: CreditAccount.objects.update(posted_nano=F("posted_nano") + 1),
    "held is the sum of the open holds": lambda account: Hold.objects.update(
        amount_nano=F("amount_nano") - 1
    ),
    BALANCE: lambda account: entry(account, amount_nano=1, balance_nano=5),
    "a debt is of refunds at the shop": lambda account: CreditAccount.objects.update(debt_nano=1),
    "a top-up has its payment": lambda account: Payment.objects.all().delete(),
    "a redeemed code is its top-up": redeem_for_less,
    "a payment is its top-up": lambda account: Payment.objects.update(
        amount_nano=F("amount_nano") + 1
    ),
    "what is taken back has its refund at the shop": lambda account: entry(
        account, kind="returned", amount_nano=-1, balance_nano=5, payment_id="a refund"
    ),
    AUDITED: lambda account: AuditCheckpoint.objects.create(
        until_entry=LedgerEntry.objects.latest("id").pk,
        entries=LedgerEntry.objects.count(),
        sum_nano=CreditAccount.objects.get(account=account).posted_nano,
        digest=b"of another history",
        generations_until=uuid.uuid4(),
        is_whole=True,
    ),
    CHAIN: lambda account: forge("UPDATE billing_ledgerentry SET reason = 'Another story.'"),
    LAST: lambda account: forge("DELETE FROM billing_ledgerentry WHERE kind = 'charge'"),
    "a generation's cost is its charge": lambda account: Generation.objects.update(
        cost_nano=F("cost_nano") + 1
    ),
    "a generation's write-off is an entry": lambda account: Generation.objects.update(
        write_off_nano=F("write_off_nano") - 1
    ),
    "a charge is of a generation": lambda account: entry(
        account, kind="charge", amount_nano=-1, balance_nano=5, generation_id=uuid.uuid4()
    ),
    "what is settled is held no more": lambda account: Generation.objects.update(
        id=Hold.objects.get().id
    ),
    "a credential's spending is the sum of its generations": lambda account: (
        Spending.objects.update(spent_nano=F("spent_nano") + 1)
    ),
}


def test_every_rule_has_its_forgery_but_the_one_the_database_enforces():
    enforced = {"available is not below the debt"}
    assert {*RULES, POSTED, BALANCE, CHAIN, LAST, AUDITED} - FORGERIES.keys() == enforced


@pytest.mark.parametrize("rule", FORGERIES)
def test_a_forgery_is_found(busy_books, rule):
    found = []
    try:
        with transaction.atomic():
            FORGERIES[rule](busy_books)
            found = list(find_drift())
            raise Undo
    except Undo:
        pass
    assert rule in {drift.rule for drift in found}
    assert all(drift.found != drift.expected or "held no more" in drift.rule for drift in found)


def test_the_command_is_content_with_books_that_add_up(busy_books):
    output = io.StringIO()
    call_command("audit_ledger", stdout=output)
    assert output.getvalue() == "The books add up: drift 0.\n"


def test_the_command_fails_on_drift_and_says_where():
    account = open_account(CREDIT)
    output = io.StringIO()
    CreditAccount.objects.update(posted_nano=CREDIT + 7)

    with pytest.raises(CommandError, match="1 drifts"):
        call_command("audit_ledger", stdout=output)

    CreditAccount.objects.update(posted_nano=CREDIT)
    assert f"account {account.pk} has {CREDIT + 7}, and {CREDIT} is right" in output.getvalue()


@pytest.mark.django_db(transaction=True)
def test_the_command_sees_one_moment_and_keeps_nobody_from_paying(busy_books, monkeypatch):
    in_accounts = audit.Audit._in_accounts

    def after_a_payment(audit):
        """Pay from another connection, once the entries are read and before the balances are."""
        with ThreadPoolExecutor(1) as other:
            other.submit(pay_in, busy_books, CREDIT).result()
            other.submit(connections.close_all).result()
        return in_accounts(audit)

    monkeypatch.setattr(audit.Audit, "_in_accounts", after_a_payment)
    output = io.StringIO()
    call_command("audit_ledger", stdout=output)
    assert "drift 0" in output.getvalue()


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE billing_ledgerentry SET created_at = '2026-01-01 00:00:00+00:00' WHERE kind = 'top_up'",
        "UPDATE billing_ledgerentry SET generation_id = NULL WHERE kind = 'write_off'",
        "UPDATE billing_ledgerentry SET payment_id = 'another' WHERE kind = 'top_up'",
        "UPDATE billing_ledgerentry SET digest = NULL WHERE kind = 'top_up'",
        "DELETE FROM billing_ledgerentry WHERE kind = 'write_off'",
    ],
)
def test_no_part_of_an_entry_changes_unseen(busy_books, forgery):
    found = []
    try:
        with transaction.atomic():
            forge(forgery)
            found = [drift for drift in find_drift() if drift.rule == CHAIN]
            raise Undo
    except Undo:
        pass
    assert found


def test_an_emptied_ledger_is_missed():
    account = open_account()
    ledger.adjust(account.pk, CREDIT, reason="A gift.", actor_id=None)
    ledger.adjust(account.pk, -CREDIT, reason="Taken again.", actor_id=None)
    found = []
    try:
        with transaction.atomic():
            forge("DELETE FROM billing_ledgerentry")
            found = list(find_drift())
            raise Undo
    except Undo:
        pass
    assert [drift.rule for drift in found] == [LAST]
