"""A person's data given out and erased; money stays exact and the books add up."""

import json

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command

from accounts.keys import issuing
from accounts.models import APIKey, User
from accounts.users import find
from billing.ledger import ledger
from billing.models import Generation, LedgerEntry, Payment
from tests.billing.payers import CREDIT, ask, end, hold_one, open_account, payer, settle_one

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


@pytest.fixture
def account():
    account = open_account(10 * CREDIT)
    issuing.issue(account=account, user=account.owner, name="Anna's laptop", is_test=False)
    return account


def exported(capsys, email):
    capsys.readouterr()
    call_command("export_account", email)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_all_is_given_out_and_no_secret(account, capsys):
    rows = exported(capsys, account.owner.email)
    kinds = {row["kind"] for row in rows}
    assert {
        "person",
        "email_address",
        "account",
        "key",
        "balance",
        "ledger_entry",
        "payment",
    } <= kinds
    assert next(row for row in rows if row["kind"] == "ledger_entry")["movement"] == "top_up"
    text = json.dumps(rows)
    assert "Anna's laptop" in text
    assert APIKey.objects.get(account=account).digest not in text
    assert account.owner.password not in text


def test_credits_that_are_left_stop_it(account):
    with pytest.raises(CommandError, match="credits are left"):
        call_command("erase_account", account.owner.email, "--yes")
    assert find(email=account.owner.email) is not None


def test_it_asks_for_a_word_that_there_is_no_way_back(account):
    with pytest.raises(CommandError, match="--yes"):
        call_command("erase_account", account.owner.email, "--with-balance")
    assert User.objects.get(pk=account.owner.pk).is_active


def test_a_payment_under_way_stops_it(account):
    Payment.objects.create(account=account, amount_nano=CREDIT)
    with pytest.raises(CommandError, match="under way"):
        call_command("erase_account", account.owner.email, "--yes", "--with-balance")


def test_an_operator_is_not_erased(account):
    User.objects.filter(pk=account.owner.pk).update(is_staff=True)
    with pytest.raises(CommandError, match="operator"):
        call_command("erase_account", account.owner.email, "--yes", "--with-balance")


def test_nothing_says_who_it_was_and_the_money_stays(account, capsys):
    email = account.owner.email
    ledger.adjust(account.pk, -10 * CREDIT, reason="Given back.", actor_id=None)
    entries = list(LedgerEntry.objects.values_list("pk", "amount_nano"))
    call_command("erase_account", email.upper(), "--yes")
    assert find(email=email) is None
    assert not EmailAddress.objects.filter(email__iexact=email).exists()
    user = User.objects.get(pk=account.owner.pk)
    assert not user.is_active
    assert not user.has_usable_password()
    key = APIKey.objects.get(account=account)
    assert key.revoked_at
    assert key.name == "erased"
    rows = exported(capsys, user.email)
    assert email not in json.dumps(rows)
    assert "Anna" not in json.dumps(rows)
    assert list(LedgerEntry.objects.values_list("pk", "amount_nano")) == entries


def test_the_callers_own_words_are_taken_out_of_every_request(account, monkeypatch):
    monkeypatch.setattr("billing.personal_data.ROWS_AT_ONCE", 2)
    for _ in range(5):
        hold = hold_one(ask(payer(account), CREDIT))
        said = {"for": "Anna"}
        settle_one(
            end(hold, CREDIT, end_user="anna", session_id="diary", metadata=said, request_id="r")
        )
    call_command("erase_account", account.owner.email, "--yes", "--with-balance")
    words = Generation.objects.filter(account=account).values_list(
        "end_user", "session_id", "metadata", "request_id"
    )
    assert list(words) == [(None, None, None, None)] * 5


def test_the_audit_log_says_that_it_was_done_and_stays_whole(account):
    call_command("erase_account", account.owner.email, "--yes", "--with-balance")
    call_command("check_audit_log")


def test_the_address_may_sign_up_anew(account):
    email = account.owner.email
    call_command("erase_account", email, "--yes", "--with-balance")
    assert User.objects.create_user(email).pk != account.owner.pk
