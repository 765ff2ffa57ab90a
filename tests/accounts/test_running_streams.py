"""A running stream is ended when its credential ends, and only then."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts import suspension
from accounts.errors import CredentialEnded
from accounts.keys import issuing
from accounts.keys.change_listener import ChangeListener
from accounts.keys.credentials import credentials_changed
from accounts.keys.freezing import freeze, slow
from accounts.models import APIKey
from accounts.oauth import revocation
from accounts.signin import sessions
from infra import outages
from tests.accounts.oauth_clients import new_app, person
from tests.accounts.people import account_of, new_key
from tests.accounts.test_credentials import Process

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db(transaction=True)]


class Streams:
    """Streams of a key, a token and a session of one person, and of somebody else's key."""

    def __init__(self, process: Process, stack: ExitStack) -> None:
        self.process = process
        self.stack = stack
        self.ended: list[str] = []
        self.key, raw = new_key(person().email)
        token = new_app().token(person())
        _, others = new_key("pierre@example.ru")
        process.catch_up()
        self.run("key", process.get(raw))
        self.run("token", process.get(token, "oauth"))
        self.run("session", sessions.principal_of(account_of(person().email)))
        self.run("another's", process.get(others))

    def run(self, name, principal, version=None):
        def end(reason):
            assert isinstance(reason, CredentialEnded)
            self.ended.append(name)

        known = self.process.credentials
        version = known.version if version is None else version
        self.stack.enter_context(known.running(principal, version, end))


@pytest.fixture
def streams() -> Iterator[Streams]:
    process = Process()
    with ExitStack() as stack:
        yield Streams(process, stack)
    process.credentials.stop()


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        (lambda key: issuing.revoke(key=key), ["key"]),
        (lambda key: issuing.edit(key=key, disabled=True), ["key"]),
        (lambda key: issuing.rotate(key=key, overlap_s=0), ["key"]),
        (lambda key: freeze([key.pk], "leaked"), ["key"]),
        (lambda key: revocation.revoke_all(user=key.user), ["token"]),
        (
            lambda key: suspension.suspend(account=key.account, reason="spam"),
            ["key", "token", "session"],
        ),
        (
            lambda key: suspension.set_active(user=key.user, is_active=False),
            ["key", "token", "session"],
        ),
        (lambda key: issuing.edit(key=key, name="office"), []),
        (lambda key: issuing.rotate(key=key, overlap_s=60), []),
        (lambda key: slow([key.pk], 60), []),
        (lambda key: credentials_changed(key.account_id), []),
    ],
)
def test_what_ends_a_stream(streams, change, ended):
    with transaction.atomic():
        change(streams.key)
    assert streams.ended == []
    streams.process.catch_up()
    assert sorted(streams.ended) == sorted(ended)
    streams.process.catch_up()
    assert len(streams.ended) == len(ended)


def test_a_stream_ends_when_its_key_expires_also_if_that_was_set_later(streams):
    with transaction.atomic():
        issuing.rotate(key=streams.key, overlap_s=60)
    streams.process.catch_up()
    streams.process.unix_now += 59
    streams.process.credentials._look()
    assert streams.ended == []
    streams.process.unix_now += 2
    streams.process.credentials._look()
    assert streams.ended == ["key"]


def test_what_ended_between_the_question_and_the_stream_is_found_too(streams):
    principal = sessions.principal_of(account_of(person().email))
    version = streams.process.credentials.version
    with transaction.atomic():
        suspension.suspend(account=streams.key.account, reason="spam")
    streams.process.catch_up()
    streams.ended.clear()
    streams.run("late", principal, version)
    streams.process.catch_up()
    assert streams.ended == ["late"]


def test_a_stream_that_is_over_is_forgotten(streams):
    streams.stack.close()
    APIKey.objects.update(revoked_at=timezone.now())
    with transaction.atomic():
        credentials_changed(streams.key.account_id)
    streams.process.catch_up()
    assert streams.ended == []
    assert streams.process.credentials._streams.of_accounts(None) == []


@pytest.mark.postgres
def test_postgresql_says_at_once_that_something_has_changed():
    account_id = new_key()[0].account_id
    is_told = threading.Event()
    listener = ChangeListener(is_told.set)
    listener.ensure_running()
    try:
        assert is_told.wait(30)  # once when it begins to listen
        is_told.clear()
        with transaction.atomic():
            credentials_changed(account_id)
        assert is_told.wait(30)
    finally:
        listener.stop()


@pytest.mark.postgres
def test_who_loses_the_connection_listens_again_and_it_is_told_as_an_outage(monkeypatch, caplog):
    monkeypatch.setattr(outages, "database", outages.Outage("The database"))
    is_told = threading.Event()
    listener = ChangeListener(is_told.set)
    listener.ensure_running()
    try:
        assert is_told.wait(30)
        is_told.clear()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query = 'LISTEN credential_changes'"
            )
            assert cursor.rowcount == 1
        assert is_told.wait(30)
    finally:
        listener.stop()
    [told] = [record.message for record in caplog.records if "database" in record.message]
    assert told.startswith("The database is away: ")
