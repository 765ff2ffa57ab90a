"""What a process remembers of good credentials: for how long, how many, and what never."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import InterfaceError, OperationalError, connection, transaction

from accounts import api_keys
from accounts.bearer import authenticate
from accounts.credential_cache import Credential, CredentialCache
from accounts.errors import CredentialStoreUnavailable, InvalidCredential
from accounts.principal import Principal
from tests.accounts.people import new_key


class Store:
    """One account's truth: its epoch, whether its key is good, and how often each was asked."""

    def __init__(self):
        self.now = 100.0
        self.epoch = 0
        self.refusal = None
        self.asked = []
        self.cache = CredentialCache(
            current_epoch=self.current_epoch, entries_max=3, clock=lambda: self.now
        )

    def current_epoch(self, account_id):
        self.asked.append("epoch")
        if isinstance(self.refusal, OperationalError):
            raise self.refusal
        return self.epoch

    def load(self, digest):
        self.asked.append("row")
        if self.refusal is not None:
            raise self.refusal
        return Credential(principal(label=f"{digest} {self.epoch}"), self.epoch)

    def get(self, digest="a"):
        self.asked.clear()
        return self.cache.get(digest, self.load)


def principal(*, label, account_id=1):
    return Principal(
        account_id=account_id,
        user_id=1,
        credential_kind="key",
        credential_id=1,
        scopes=frozenset({"chat"}),
        label=label,
    )


@pytest.fixture
def store():
    return Store()


def test_within_a_second_nothing_is_asked(store):
    store.get()
    store.now += 0.99
    assert store.get().label == "a 0"
    assert store.asked == []


def test_after_a_second_the_epoch_is_asked_and_believed_for_the_next(store):
    store.get()
    store.now += 1
    store.get()
    assert store.asked == ["epoch"]
    store.now += 0.5
    store.get()
    assert store.asked == []


def test_a_moved_epoch_has_the_row_read_again(store):
    store.get()
    store.epoch = 1
    store.now += 1
    assert store.get().label == "a 1"
    assert store.asked == ["epoch", "row"]


def test_an_epoch_that_went_back_has_the_row_read_again_too(store):
    store.epoch = 5
    store.get()
    store.epoch = 4
    store.now += 1
    assert store.get().label == "a 4"


def test_an_entry_in_constant_use_is_read_again_after_ten_seconds(store):
    store.get()
    for _ in range(10):
        store.now += 0.99
        store.get()
    assert "row" not in store.asked
    store.now += 0.99
    store.get()
    assert store.asked == ["row"]


def test_a_refusal_is_never_remembered(store):
    store.refusal = InvalidCredential()
    for _ in range(2):
        with pytest.raises(InvalidCredential):
            store.get()
        assert store.asked == ["row"]
    store.refusal = None
    assert store.get()


def test_a_refused_entry_is_gone(store):
    store.get()
    store.epoch, store.refusal = 1, InvalidCredential()
    store.now += 1
    with pytest.raises(InvalidCredential):
        store.get()
    assert len(store.cache) == 0


@pytest.mark.parametrize("fault", [OperationalError("away"), InterfaceError("closed")])
def test_a_database_that_is_away_is_no_bad_key(store, fault):
    store.refusal = fault
    with pytest.raises(CredentialStoreUnavailable):
        store.get()
    store.refusal = None
    assert store.get().label == "a 0"


def test_what_cannot_be_checked_is_not_believed_longer(store):
    store.get()
    store.refusal = OperationalError("away")
    assert store.get()
    store.now += 1
    with pytest.raises(CredentialStoreUnavailable):
        store.get()
    store.refusal = None
    store.get()
    assert store.asked == ["epoch"]


def test_the_least_recently_used_go_first(store):
    for digest in "abc":
        store.get(digest)
    store.get("a")
    store.get("d")
    assert len(store.cache) == 3
    store.get("a")
    assert store.asked == []
    store.get("b")
    assert store.asked == ["row"]


def test_what_was_read_before_a_change_is_not_remembered_after_it(store):
    def load_while_it_changes(digest):
        credential = store.load(digest)
        store.cache.forget(1)
        return credential

    store.cache.get("a", load_while_it_changes)
    assert len(store.cache) == 0


def test_forgetting_an_account_leaves_the_others(store):
    store.get("a")
    store.cache.get("b", lambda digest: Credential(principal(label="b", account_id=2), 0))
    store.cache.forget(1)
    assert len(store.cache) == 1
    store.get("b")
    assert store.asked == []


def test_many_threads_share_the_memory(store):
    def ask(number):
        digest = "abcde"[number % 5]
        if number % 7 == 0:
            store.cache.forget(1)
        return store.cache.get(digest, store.load).label == f"{digest} 0"

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(2000)))
    assert len(store.cache) <= 3


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_leaves_the_key_as_it_was():
    key, raw = new_key()
    authenticate(f"Bearer {raw}")
    with transaction.atomic():
        api_keys.revoke(key=key)
        with pytest.raises(InvalidCredential):
            authenticate(f"Bearer {raw}")
        transaction.set_rollback(True)
    assert authenticate(f"Bearer {raw}")


@pytest.mark.django_db(transaction=True)
def test_a_committed_change_holds_at_once_in_a_warm_process():
    key, raw = new_key()
    with transaction.atomic():
        api_keys.revoke(key=key)
        with pytest.raises(InvalidCredential):
            authenticate(f"Bearer {raw}")
    with pytest.raises(InvalidCredential):
        authenticate(f"Bearer {raw}")
    assert not connection.in_atomic_block
