"""`manage.py issue_key`: a key from the shell, with its credits or not at all."""

import io
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from accounts import users
from accounts.keys import issuing
from accounts.keys.bearer import authenticate
from accounts.keys.key_format import digest_of, well_formed
from accounts.models import Account, APIKey, User
from billing.ledger import balances, ledger
from tests.accounts.people import NATASHA

pytestmark = pytest.mark.django_db


def issue_key(*arguments):
    output = io.StringIO()
    call_command("issue_key", *arguments, stdout=output)
    return output.getvalue()


def credits_nano(account):
    return balances.statement(account.pk).total_credits_nano


def test_a_new_person_gets_a_key_and_nothing_else_is_printed():
    printed = issue_key(NATASHA)
    raw = printed.removesuffix("\n")
    assert well_formed(raw)
    assert raw.startswith("xr-live-")
    user = User.objects.get()
    assert user.email == NATASHA
    assert not user.has_usable_password()
    assert authenticate(f"Bearer {raw}").user_id == user.pk
    assert credits_nano(Account.objects.get()) == 0


def test_a_known_person_gets_another_key_on_the_same_account():
    first, second = issue_key(NATASHA), issue_key("NATASHA@example.ru", "--name", "office")
    assert first != second
    assert User.objects.count() == Account.objects.count() == 1
    assert sorted(APIKey.objects.values_list("name", flat=True)) == ["office", "shell"]


def test_a_test_key_says_so():
    raw = issue_key(NATASHA, "--test").strip()
    assert raw.startswith("xr-test-")
    assert APIKey.objects.get(digest=digest_of(raw)).is_test


@pytest.mark.parametrize(
    ("amount", "amount_nano"),
    [
        ("100", 100_000_000_000),
        ("0.5", 500_000_000),
        ("0.000000001", 1),
        ("007", 7_000_000_000),
        ("1000000000", 10**18),
    ],
)
def test_credits_are_added_as_they_were_written(amount, amount_nano):
    issue_key(NATASHA, "--credits", amount)
    assert credits_nano(Account.objects.get()) == amount_nano


def test_credits_add_up():
    issue_key(NATASHA, "--credits", "1.5")
    issue_key(NATASHA, "--credits", "2")
    assert credits_nano(Account.objects.get()) == 3_500_000_000


@pytest.mark.parametrize(
    "amount",
    ["-5", "-0.5", "0", "0.0", "NaN", "Infinity", "-inf", "", " ", "many", "1e3", "1_000", "1,5",
     "+5", "0x10", "١٠", "１", "1.", ".5", "0.0000000001", "1000000000.1", "9" * 10, "9" * 5000],
)  # fmt: skip
def test_a_wrong_amount_is_named_and_nothing_is_made(amount):
    with pytest.raises(CommandError) as refusal:
        issue_key(NATASHA, f"--credits={amount}")
    assert repr(amount) in str(refusal.value)
    assert not User.objects.exists()


@pytest.mark.parametrize("email", ["", "natasha", "a@b\0.ru", "a@example.ru, b@example.ru"])
def test_a_wrong_email_is_named(email):
    with pytest.raises(CommandError) as refusal:
        issue_key(email, "--credits", "5")
    assert repr(email) in str(refusal.value)
    assert not User.objects.exists()


def test_a_wrong_name_takes_person_and_credits_back():
    with pytest.raises(CommandError) as refusal:
        issue_key(NATASHA, "--credits", "5", "--name", "a" * 101)
    assert "name" in str(refusal.value)
    assert not User.objects.exists()


def test_credits_that_the_ledger_refuses_take_the_key_back():
    account = users.register(email=NATASHA)
    for _ in range(8):
        ledger.adjust(account.pk, 10**18, reason="a rich account", actor_id=None)
    with pytest.raises(CommandError, match="--credits 1"):
        issue_key(NATASHA, "--credits", "1")
    assert not APIKey.objects.exists()


def test_at_the_shell_a_refusal_is_one_line_and_no_key():
    done = subprocess.run(
        [sys.executable, "manage.py", "issue_key", NATASHA, "--credits", "many"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("CommandError: --credits 'many'")


def test_an_account_with_too_many_keys_gets_no_other_and_no_credits(monkeypatch):
    monkeypatch.setattr(issuing, "KEYS_MAX", 1)
    issue_key(NATASHA)
    with pytest.raises(CommandError, match="1 keys at most") as refusal:
        issue_key(NATASHA, "--credits", "5")
    assert "\n" not in str(refusal.value)
    assert APIKey.objects.count() == 1
    assert credits_nano(Account.objects.get()) == 0
