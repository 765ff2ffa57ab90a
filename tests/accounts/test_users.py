"""People: one user for every spelling of an e-mail, and one account for every user."""

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import IntegrityError, transaction

from accounts import users
from accounts.email_address import checked_email
from accounts.errors import EmailTaken, InvalidEmail
from accounts.models import Account, User
from accounts.signin.passwords import Argon2Hasher


@pytest.mark.django_db
def test_a_new_user_has_one_account_and_no_password():
    account = users.register(email="natasha@example.ru")
    user = account.owner
    assert list(user.accounts.all()) == [account]
    assert not user.has_usable_password()
    assert (user.is_active, user.is_staff, user.is_superuser) == (True, False, False)


@pytest.mark.django_db
def test_the_address_is_kept_as_it_was_written_but_for_its_domain():
    account = users.register(email="  Natasha.R@Example.RU ")
    assert account.owner.email == "Natasha.R@example.ru"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "spelling",
    [
        "natasha@example.ru",
        "NATASHA@EXAMPLE.RU",
        "ｎａｔａｓｈａ@example.ru",
        " natasha@example.ru\n",
    ],
)
def test_another_spelling_is_the_same_person(spelling):
    user = users.register(email="Natasha@example.ru").owner
    assert users.find(email=spelling) == user
    with pytest.raises(EmailTaken):
        users.register(email=spelling)
    assert Account.objects.count() == 1


@pytest.mark.django_db
def test_the_database_refuses_a_second_spelling():
    users.register(email="natasha@example.ru")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("NATASHA@example.ru")
    assert (User.objects.count(), Account.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "email",
    ["", "natasha", "@example.ru", "natasha@", "a b@example.ru", "a@b\0.ru", "a@example.ru, b@c.ru",
     "a@" + "b" * 300 + ".ru", "a" * 250 + "@b.ru", "Bcc: a@example.ru", "a@" + "ΐ" * 120 + ".ru"],
)  # fmt: skip
def test_what_cannot_be_written_to_is_no_address(email):
    with pytest.raises(InvalidEmail):
        checked_email(email)


@pytest.mark.django_db
def test_people_log_in_with_any_spelling_of_their_email():
    users.register(email="Natasha@example.ru", password="correct horse battery")
    assert authenticate(username="natasha@EXAMPLE.ru", password="correct horse battery")
    assert authenticate(username="natasha@example.ru", password="wrong") is None
    assert authenticate(username="pierre@example.ru", password="correct horse battery") is None


@pytest.mark.django_db
def test_an_operator_made_from_the_shell_has_an_account_too(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    call_command("createsuperuser", email="root@example.ru", interactive=False, verbosity=0)
    user = User.objects.get_by_natural_key("ROOT@example.ru")
    assert user.is_staff
    assert user.is_superuser
    assert users.own_account(user).owner == user


def test_passwords_are_argon2id_with_19_mib_two_passes_and_one_lane(settings):
    settings.PASSWORD_HASHERS = ["accounts.signin.passwords.Argon2Hasher"]
    stored = make_password("correct horse battery")
    assert stored.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert Argon2Hasher().verify("correct horse battery", stored)
    assert not Argon2Hasher().verify("wrong", stored)
