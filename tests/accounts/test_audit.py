"""The audit log: who did what, kept for good, in a hash chain, without a secret in it."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from accounts import suspension, users
from accounts.audit import log
from accounts.audit.acting import acting, origin
from accounts.audit.log import Action, AuditEntry
from accounts.errors import KeyRevoked
from accounts.keys import issuing
from accounts.models import User
from accounts.oauth import applications, revocation
from tests.accounts.let_in import live_token
from tests.accounts.operators import seat
from tests.accounts.people import NATASHA, account_of, new_key
from tests.accounts.sign_in import PASSWORD

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


def audit_log() -> list[tuple[str, str]]:
    """Return what was done to what, oldest first."""
    entries = AuditEntry.objects.order_by("id")
    return [(entry.action, entry.object_label) for entry in entries]


def test_the_life_of_a_key_is_told_by_its_ends_alone():
    key, raw = new_key()
    issuing.edit(key=key, name="laptop", limit_nano=5)
    issuing.revoke(key=key)
    issuing.revoke(key=key)

    assert audit_log() == [("issue", str(key)), ("change", str(key)), ("revoke", str(key))]
    assert AuditEntry.objects.get(action="change").detail == {"fields": ["limit_nano", "name"]}
    everything = json.dumps(list(AuditEntry.objects.values()), default=str)
    assert raw not in everything
    assert key.digest not in everything


def test_what_was_refused_is_not_told():
    key, _ = new_key()
    issuing.revoke(key=key)
    before = audit_log()

    with pytest.raises(KeyRevoked):
        issuing.edit(key=key, name="late")

    assert audit_log() == before


def test_an_act_that_is_undone_leaves_nothing():
    account = account_of()
    with transaction.atomic():
        suspension.suspend(account=account, reason="spam")
        transaction.set_rollback(True)
    account.refresh_from_db()
    assert (audit_log(), account.suspended_at) == ([], None)


def test_suspending_twice_is_told_once():
    account = account_of()
    suspension.suspend(account=account, reason="spam")
    suspension.suspend(account=account, reason="spam")
    suspension.resume(account=account)
    assert audit_log() == [("suspend", NATASHA), ("resume", NATASHA)]


def test_applications_and_connections_are_told():
    person = users.register(email=NATASHA).owner
    application, secret = applications.register(
        user=person, name="Notes", addresses=["https://app.example.ru/b"], is_confidential=True
    )
    new_secret = applications.rotate_secret(application=application)
    revocation.revoke_connection(user=person, application=live_token(person).application)
    applications.delete(application=application)

    assert audit_log() == [
        *(("add", "Notes"), ("new_secret", "Notes"), ("disconnect", "reader"), ("delete", "Notes"))
    ]
    everything = json.dumps(list(AuditEntry.objects.values()), default=str)
    assert secret not in everything
    assert new_secret not in everything


def test_a_page_names_the_person_and_where_they_sat():
    person = User.objects.create_user(NATASHA, PASSWORD)
    client = seat(Client(REMOTE_ADDR="203.0.113.9"), person)

    client.post("/accounts/2fa/totp/deactivate/")

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.address) == (
        "second_factor_off",
        person,
        "203.0.113.9",
    )


def test_who_acts_is_forgotten_when_the_act_is_over():
    person = users.register(email=NATASHA).owner
    with acting(person.pk, "203.0.113.9"):
        assert (origin().user_id, origin().address) == (person.pk, "203.0.113.9")
    assert (origin().user_id, origin().address) == (None, "")
    new_key()
    assert AuditEntry.objects.get().actor is None


def test_parts_of_an_act_are_not_told_again():
    account = account_of()
    with log.as_one():
        suspension.suspend(account=account, reason="spam")
        log.write(Action.SUSPEND, [account], reason=" spam ")
    assert AuditEntry.objects.get().reason == "spam"


CHANGES = {
    "postgresql": ["SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {} CASCADE"],
    "sqlite": ["REPLACE INTO {} SELECT * FROM {}"],
}[connection.vendor]


@pytest.mark.parametrize("change", ["UPDATE {} SET reason = 'none'", "DELETE FROM {}", *CHANGES])
def test_the_database_refuses_to_change_an_entry(change):
    new_key()
    cursor = connection.cursor()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        cursor.execute(change.replace("{}", AuditEntry._meta.db_table))
    assert len(audit_log()) == 1


def test_the_chain_is_whole_and_a_forged_link_breaks_it(capsys):
    new_key()
    account = account_of()
    log.write(
        Action.CHANGE,
        [account, account],
        detail={"changes": [{"values": {"б": [None, True, 10**17, "ё"]}}]},
        reason="Попросил сам",
    )
    assert log.first_break() is None
    call_command("check_audit_log")
    assert AuditEntry.objects.latest("id").digest in capsys.readouterr().out

    last = AuditEntry.objects.latest("id")
    forged = AuditEntry(
        at=last.at, action="revoke", object_kind=last.object_kind, object_id=last.object_id,
        object_label="other", detail={}, previous=last.digest, digest="0" * 64,
    )  # fmt: skip
    forged.save()

    assert log.first_break() == forged.pk
    with pytest.raises(CommandError, match=f"Entry {forged.pk} "):
        call_command("check_audit_log")


def test_a_long_name_fits():
    account = account_of()
    account.name = "я" * 254
    suspension.suspend(account=account, reason="spam")
    log.write(Action.CHANGE, [account], reason="р" * 900)
    entry = AuditEntry.objects.latest("id")
    assert (len(entry.object_label), len(entry.reason)) == (254, 500)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_many_who_write_at_once_make_one_chain():
    account = account_of()

    def write(number: int) -> None:
        try:
            for _ in range(5):
                log.write(Action.CHANGE, [account], reason=str(number))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))

    assert AuditEntry.objects.count() == 20
    assert log.first_break() is None
