"""Credentials are read once and believed until they change, which every process learns."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.errors import CredentialStoreUnavailable, InvalidCredential
from accounts.keys import change_log, issuing
from accounts.keys.bearer import authenticate
from accounts.keys.change_log import ChangeReader
from accounts.keys.credentials import BELIEVED_S, Credentials, credentials_changed
from accounts.keys.key_format import digest_of
from accounts.models import APIKey, CredentialChange
from infra import prepared
from infra.prepared import executed as execute_prepared
from tests.accounts.oauth_clients import new_app, person
from tests.accounts.people import account_of, new_key

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db(transaction=True)]


class Process:
    """What another process knows, by clocks of the test's own; it asks only when it must."""

    def __init__(self):
        self.now = 100.0
        self.unix_now = time.time()
        self.statements = []
        self.is_away = False
        self.may_ask = threading.Event()
        self.may_ask.set()
        self.credentials = Credentials(
            entries_max=100, clock=lambda: self.now, unix_clock=lambda: self.unix_now
        )
        setattr(self.credentials, "_keep_asking", lambda: None)  # noqa: B010 -- no threads here

    def get(self, raw, kind="key"):
        digest = digest_of(raw)
        found = self.credentials.known(digest) or self.credentials.get(kind, digest)
        return found.principal

    def catch_up(self):
        """Ask what changed, as its thread does, and count what it asks from now on."""
        self.credentials.catch_up()
        own = self.credentials._reader._own
        assert own is not None
        own.execute_wrappers[:] = [self._execute]
        self.statements.clear()

    def execute_prepared(self, connection, sql, parameters):
        """Execute what goes past Django's cursors."""
        return self._execute(
            lambda *_: execute_prepared(connection, sql, parameters), sql, (), False, {}
        )

    def _execute(self, execute, sql, params, many, context):
        assert self.may_ask.wait(10)
        self.statements.append(sql)
        if self.is_away:
            raise OperationalError("away")
        return execute(sql, params, many, context)


@pytest.fixture
def process(monkeypatch):
    process = Process()
    monkeypatch.setattr(prepared, "executed", process.execute_prepared)
    process.catch_up()
    yield process
    process.credentials.stop()


def test_a_cold_key_is_one_statement_and_a_warm_one_none(process):
    _, raw = new_key()
    token = new_app().token(person())
    process.catch_up()
    for secret, kind in ((raw, "key"), (token, "oauth")):
        process.statements.clear()
        process.get(secret, kind)
        assert len(process.statements) == 1
        process.get(secret, kind)
        assert len(process.statements) == 1


def test_one_question_serves_all_keys(process):
    raws = [new_key(f"{number}@example.ru")[1] for number in range(10)]
    for raw in raws:
        process.get(raw)
    process.catch_up()
    for _ in range(3):
        process.now += BELIEVED_S
        for raw in raws:
            process.get(raw)
    assert len(process.statements) == 3


def test_a_burst_of_cold_keys_is_read_in_batches(process):
    key, _ = new_key()
    raws = [f"cold {number}" for number in range(2000)]
    APIKey.objects.bulk_create(
        APIKey(
            account=key.account, user=key.user, name="cold", digest=digest_of(raw),
            head=raw[:12].ljust(12), tail="cold",
        )
        for raw in raws
    )  # fmt: skip
    process.catch_up()
    process.may_ask.clear()
    with ThreadPoolExecutor(200) as threads:
        found = [threads.submit(process.get, raw) for raw in raws]
        waiting = process.credentials._reader._thread
        while len(waiting._queue) + len(waiting._in_commit) < 200:
            time.sleep(0.001)
        process.may_ask.set()
        assert {each.result().label for each in found} == {"cold"}
    assert len(process.statements) <= 100


def test_a_change_is_learned_with_the_next_question(process):
    key, raw = new_key()
    assert process.get(raw).label == "shell"
    issuing.edit(key=key, name="office")
    assert process.get(raw).label == "shell"
    process.now += BELIEVED_S
    assert process.get(raw).label == "office"
    issuing.revoke(key=key)
    process.now += BELIEVED_S
    with pytest.raises(InvalidCredential):
        process.get(raw)


def test_the_change_of_one_account_leaves_the_others_alone(process):
    key, _ = new_key()
    _, other = new_key("pierre@example.ru")
    process.get(other)
    issuing.edit(key=key, name="office")
    process.catch_up()
    process.get(other)
    assert process.statements == []


def test_what_cannot_be_checked_is_not_believed_for_long(process):
    _, raw = new_key()
    process.get(raw)
    process.catch_up()
    process.is_away = True
    assert process.get(raw)
    process.now += BELIEVED_S
    with pytest.raises(CredentialStoreUnavailable):
        process.get(raw)
    process.is_away = False
    assert process.get(raw)


def test_a_key_expires_at_its_moment_and_asks_nobody_before(process):
    expires_at = timezone.now() + timedelta(hours=1)
    key, raw = new_key()
    APIKey.objects.filter(pk=key.pk).update(expires_at=expires_at)
    process.get(raw)
    process.catch_up()
    process.unix_now = expires_at.timestamp() - 0.001
    assert process.get(raw)
    assert process.statements == []
    APIKey.objects.filter(pk=key.pk).update(expires_at=timezone.now())
    process.unix_now = expires_at.timestamp()
    with pytest.raises(InvalidCredential):
        process.get(raw)


def test_a_change_that_is_rolled_back_changes_nothing():
    key, raw = new_key()
    authenticate(f"Bearer {raw}")
    with transaction.atomic():
        issuing.revoke(key=key)
        transaction.set_rollback(True)
    assert authenticate(f"Bearer {raw}")


def test_a_committed_change_holds_at_once_in_the_process_that_made_it():
    key, raw = new_key()
    authenticate(f"Bearer {raw}")
    issuing.revoke(key=key)
    with pytest.raises(InvalidCredential):
        authenticate(f"Bearer {raw}")


def test_a_reader_that_was_silent_for_an_hour_trusts_nothing():
    now = 0.0
    reader = ChangeReader(clock=lambda: now)
    assert reader.read() is None
    now += 3599
    assert reader.read() == set()
    now += 3601
    assert reader.read() is None


def test_old_changes_are_deleted_and_later_ones_still_read():
    reader = ChangeReader()
    reader.read()
    with transaction.atomic():
        credentials_changed(new_key()[0].account_id)
    assert reader.read() == {account_of().pk}
    CredentialChange.objects.update(changed_at=timezone.now() - change_log.KEPT * 2)
    change_log.forget_old()
    assert not CredentialChange.objects.exists()
    assert reader.read() == set()
    with transaction.atomic():
        credentials_changed(new_key()[0].account_id)
    assert reader.read() == {account_of().pk}
    assert reader.read() == set()


@pytest.mark.postgres
def test_a_change_that_commits_after_a_later_one_is_not_missed():
    accounts = [new_key(f"{number}@example.ru")[0].account_id for number in range(2)]
    reader = ChangeReader()
    reader.read()
    has_begun, may_end = threading.Event(), threading.Event()

    def change_slowly():
        with transaction.atomic():
            credentials_changed(accounts[0])
            has_begun.set()
            may_end.wait(10)
        connection.close()

    with ThreadPoolExecutor(1) as slow:
        slow.submit(change_slowly)
        has_begun.wait(10)
        with transaction.atomic():
            credentials_changed(accounts[1])
        assert reader.read() == {accounts[1]}
        assert reader.read() == set()
        may_end.set()
    assert reader.read() == {accounts[0]}
    assert reader.read() == set()
