"""People who did not sign up themselves are confirmed: made in the shell, by operators, or before."""

import importlib

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from accounts import users
from accounts.models import User
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import ask_for_password, browser, is_logged_in, new_password

pytestmark = pytest.mark.django_db


def addresses() -> list[tuple[str, bool, bool]]:
    return list(EmailAddress.objects.values_list("email", "primary", "verified"))


def test_whoever_got_a_key_from_the_shell_logs_in_through_forgot_password(capsys):
    call_command("issue_key", "Natasha@Example.ru")
    assert addresses() == [(NATASHA, True, True)]
    client = browser()
    ask_for_password(client)
    assert new_password(client).headers["Location"] == "/cabinet/"
    assert is_logged_in(client)


def test_an_operator_from_the_shell_is_confirmed(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    call_command("createsuperuser", email="root@example.ru", interactive=False, verbosity=0)
    assert addresses() == [("root@example.ru", True, True)]


def test_who_signs_up_is_not_confirmed_yet():
    users.register(email=NATASHA, is_confirmed=False)
    assert addresses() == [(NATASHA, True, False)]


def test_people_who_were_there_before_are_confirmed_once():
    User.objects.create_user("Natasha@example.ru")
    User.objects.create_user("pierre@example.ru")
    EmailAddress.objects.filter(email=NATASHA).delete()
    migration = importlib.import_module("accounts.migrations.0003_sign_in")
    migration.confirm_known_people(apps, connection.SchemaEditorClass(connection))
    assert sorted(addresses()) == [(NATASHA, True, True), ("pierre@example.ru", True, True)]
