"""One account a mailbox, so many a day of a network, and a task for browsers of one that signs up often."""

import importlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core import mail
from django.core.cache import cache
from django.db import IntegrityError, connection

from accounts import users
from accounts.email_address import mailbox_of
from accounts.errors import EmailTaken
from accounts.models import SignUp, User
from accounts.security import sign_ups
from accounts.signin import forms, proof_of_work
from accounts.signin.proof_of_work import PARTS, is_solution, is_solved, new_challenge
from tests.accounts.people import NATASHA, account_of
from tests.accounts.sign_in import PASSWORD, browser, link_in_mail, log_in, sign_up, text_of

pytestmark = pytest.mark.django_db
ADDRESS, NETWORK = "203.0.113.7", "203.0.113.0/24"


@pytest.mark.parametrize(
    ("email", "mailbox"),
    [("Anna.K+shop@GMail.com", "annak@gmail.com"), ("annak@googlemail.com", "annak@gmail.com"),
     ("anna.k@ya.ru", "anna-k@yandex.ru"), ("ANNA-K+1@yandex.com.tr", "anna-k@yandex.ru"),
     ("anna+x+y@example.ru", "anna@example.ru"), ("anna.k@example.ru", "anna.k@example.ru"),
     ("a-n.n_a@pm.me", "anna@proton.me"), ("anna@mac.com", "anna@icloud.com"),
     ("+tag@example.ru", "+tag@example.ru"), ("anna@list.ru", "anna@list.ru")],
)  # fmt: skip
def test_all_addresses_of_a_mailbox_are_one(email, mailbox):
    assert mailbox_of(email) == mailbox
    assert mailbox_of(mailbox) == mailbox


def test_a_second_account_of_a_mailbox_gets_the_same_answer_and_the_owner_a_mail():
    users.register(email="anna.k@gmail.com", password=PASSWORD)
    answer = sign_up(browser(), email="Anna.K+more@googlemail.com")
    assert answer.headers["Location"] == "/accounts/confirm-email/"
    assert User.objects.count() == 1
    assert mail.outbox[-1].to == ["anna.k@gmail.com"]
    assert log_in(browser(), email="annak@gmail.com").status_code == 422  # it is no login


def test_operators_may_make_as_many_as_they_like():
    first, second = (account_of(f"anna+{number}@example.ru").owner for number in range(2))
    assert (first.mailbox, second.mailbox) == ("anna@example.ru", None)


def test_nobody_takes_a_mailbox_by_changing_the_address():
    users.register(email="anna.k@gmail.com")
    natasha = account_of().owner
    with pytest.raises(EmailTaken):
        users.change_email(user=natasha, email="annak+1@gmail.com")
    assert users.change_email(user=natasha, email="natasha+new@example.ru")
    natasha.refresh_from_db()
    assert natasha.mailbox == NATASHA
    users.register(email="pierre@example.ru", password=PASSWORD)
    client = browser()
    log_in(client, email="pierre@example.ru")
    client.post("/accounts/email/", {"email": "an.nak@gmail.com", "action_add": ""})
    assert mail.outbox[-1].to == ["anna.k@gmail.com"]
    assert not EmailAddress.objects.filter(email="an.nak@gmail.com", verified=True).exists()


def test_of_people_who_were_there_before_the_first_has_the_mailbox():
    people = [account_of(f"{name}@gmail.com").owner for name in ("an.na", "anna+1", "pierre")]
    User.objects.update(mailbox=None)
    migration = importlib.import_module("accounts.migrations.0009_security")
    migration.fill_mailboxes(apps, connection.SchemaEditorClass(connection))
    mailboxes = User.objects.filter(pk__in=[user.pk for user in people]).order_by("pk")
    assert list(mailboxes.values_list("mailbox", flat=True)) == [
        *("anna@gmail.com", None, "pierre@gmail.com")
    ]


def test_the_database_keeps_a_mailbox_to_one():
    natasha, pierre = account_of().owner, account_of("pierre@example.ru").owner
    with pytest.raises(IntegrityError):
        User.objects.filter(pk=pierre.pk).update(mailbox=natasha.mailbox)


def made_today(count: int, network: str = NETWORK) -> None:
    for number in range(count):
        account = account_of(f"{number}@{network.partition('/')[0]}.example.ru")
        sign_ups.record(account_id=account.pk, network=network)


def solution(challenge: str) -> str:
    numbers = [
        next(str(number) for number in range(10**7) if is_solution(challenge, part, str(number)))
        for part in range(PARTS)
    ]
    return f"{challenge} {','.join(numbers)}"


@pytest.fixture
def _easy(monkeypatch):
    monkeypatch.setattr(proof_of_work, "BITS", 4)


def from_network(email: str = NATASHA, **fields):
    return sign_up(browser(REMOTE_ADDR=ADDRESS), email=email, **fields)


def test_where_an_account_was_made_from_is_noted():
    from_network()
    sign_up(browser(), email="pierre@example.ru")
    assert list(SignUp.objects.order_by("pk").values_list("network", flat=True)) == [NETWORK, ""]


@pytest.mark.usefixtures("_easy")
def test_browsers_of_a_network_that_signs_up_often_solve_a_task(monkeypatch):
    monkeypatch.setattr(forms, "CHALLENGED_FROM", 3)
    made_today(2)
    assert "data-challenge" not in from_network(email="none").content.decode()
    sign_ups.record(account_id=account_of("third@example.ru").pk, network=NETWORK)
    without = from_network()
    assert without.status_code == 422
    assert "small task" in text_of(without)
    page = browser(REMOTE_ADDR=ADDRESS).get("/accounts/signup/").content.decode()
    challenge = page.partition('data-challenge="')[2].partition('"')[0]
    assert "proof-of-work.js" in page
    proof = solution(challenge)
    assert from_network(email="none", proof=proof).status_code == 422  # it is not used up by that
    assert from_network(proof=proof).status_code == 302
    assert from_network(email="pierre@example.ru", proof=proof).status_code == 422
    assert sign_up(browser(), email="pierre@example.ru").status_code == 302
    assert link_in_mail()


@pytest.mark.usefixtures("_easy")
def test_only_a_right_and_fresh_solution_of_our_own_task_is_one():
    proof = solution(new_challenge())
    challenge, _, numbers = proof.partition(" ")
    for wrong in (
        *("", "x", challenge, f"{challenge} ", f"{challenge} {'0,' * 15}0", f"x{proof}"),
        *(f"{challenge} {numbers},0", f"{challenge} -{numbers}", f"{challenge} ٣{numbers}"),
        *(f"{proof}\0", "0" * 10**6, f"{challenge} {numbers.partition(',')[2]}"),
    ):
        assert not is_solved(wrong)
    assert is_solved(proof)
    assert not is_solved(proof)
    cache.clear()


def test_a_task_ends_with_its_time(monkeypatch):
    monkeypatch.setattr(proof_of_work, "BITS", 1)
    proof = solution(new_challenge())
    monkeypatch.setattr(proof_of_work, "LIFE_S", -1)
    assert not is_solved(proof)


def test_a_network_makes_so_many_accounts_a_day(settings):
    settings.SIGN_UPS_A_DAY = 3
    made_today(3)
    refused = from_network()
    assert refused.status_code == 429
    assert 86_390 <= int(refused.headers["Retry-After"]) <= 86_400
    assert sign_up(browser(REMOTE_ADDR="203.0.114.7")).status_code == 302
    assert sign_up(browser(REMOTE_ADDR="10.0.0.1"), email="pierre@example.ru").status_code == 302
    SignUp.objects.update(at=SignUp.objects.latest("pk").at - forms.DAY)
    assert from_network(email="anna@example.ru").status_code == 302


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_race_for_a_mailbox_is_won_once():
    def register(number: int) -> bool:
        try:
            users.register(email=f"anna+{number}@example.ru", is_one_a_mailbox=True)
        except EmailTaken:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(register, range(8)))
    assert sum(won) == User.objects.count() == 1
