"""The audit of the books: silent while they add up, and loud about every way they can fail to."""

import io
import uuid

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F

from billing.audit import RULES, find_drift
from billing.models import CreditAccount, Generation, Hold, LedgerEntry, Spending
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, payer, settle_one

pytestmark = pytest.mark.django_db


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


FORGERIES = {
    "posted is the sum of the entries": lambda account: CreditAccount.objects.update(
        posted_nano=F("posted_nano") + 1
    ),
    "held is the sum of the open holds": lambda account: Hold.objects.update(
        amount_nano=F("amount_nano") - 1
    ),
    "an entry's balance is the sum of the entries so far": lambda account: entry(
        account, amount_nano=1, balance_nano=5
    ),
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
    assert RULES.keys() - FORGERIES.keys() == {"available is not negative"}


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
def test_the_command_sees_one_moment_when_it_has_its_own_transaction(busy_books):
    output = io.StringIO()
    call_command("audit_ledger", stdout=output)
    assert "drift 0" in output.getvalue()
