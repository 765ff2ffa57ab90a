"""What a process remembers of good credentials: how many, how long, and what a change costs."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.keys import credential_cache
from accounts.keys.credential_cache import CredentialCache
from accounts.keys.key_format import digest_of
from accounts.principal import Principal


def principal(account_id=1, label="shell"):
    return Principal(
        account_id=account_id,
        user_id=1,
        credential_kind="key",
        credential_id=1,
        scopes=frozenset({"chat"}),
        label=label,
    )


@pytest.fixture
def cache():
    return CredentialCache(entries_max=3)


def test_what_is_put_is_found_until_its_account_changes(cache):
    cache.put("a", principal(1), cache.version)
    cache.put("b", principal(2), cache.version)
    assert cache.get("a").principal == principal(1)
    cache.note_changes([1, 7])
    assert cache.get("a") is None
    assert cache.get("b") is not None
    cache.put("a", principal(1), cache.version)
    assert cache.get("a") is not None


def test_what_was_read_before_a_change_is_not_taken_for_what_was_read_after(cache):
    version = cache.version
    cache.note_changes([1])
    cache.put("a", principal(1), version)
    assert cache.get("a") is None


def test_where_nobody_knows_what_changed_all_is_read_again(cache):
    cache.put("a", principal(1), cache.version)
    cache.note_changes(None)
    assert cache.get("a") is None
    cache.put("a", principal(1), cache.version)
    assert cache.get("a") is not None


def test_the_memory_of_changes_is_bounded(cache, monkeypatch):
    monkeypatch.setattr(credential_cache, "CHANGED_ACCOUNTS_MAX", 5)
    cache.put("a", principal(100), cache.version)
    for account_id in range(20):
        cache.note_changes([account_id])
        assert len(cache._changed) <= 5
    assert cache.get("a") is None
    cache.put("a", principal(100), cache.version)
    assert cache.get("a") is not None


def test_the_least_recently_used_go_first(cache):
    for digest in "abc":
        cache.put(digest, principal(), 0)
    cache.get("a")
    cache.put("d", principal(), 0)
    assert len(cache) == 3
    assert cache.get("a") is not None
    assert cache.get("b") is None


def test_a_key_takes_a_kilobyte_at_most():
    """The entry, its principal with a name of its own, and the table's share of both."""
    cache = CredentialCache(entries_max=10_000)
    for number in range(10_000):
        cache.put(digest_of(str(number)), principal(number, f"key of the customer {number}"), 0)
    entry = cache.get(digest_of("7"))
    assert entry is not None
    parts = (
        *(entry, entry.noted_s, entry.version, entry.principal),
        *(entry.principal.label, entry.principal.scopes, entry.principal.account_id),
        *(entry.principal.credential_id, digest_of("7")),
    )
    share = sys.getsizeof(cache._entries) / len(cache)
    assert share + sum(map(sys.getsizeof, parts)) <= 1024


def test_many_threads_share_the_memory(cache):
    def use(number):
        digest = "abcde"[number % 5]
        if number % 7 == 0:
            cache.note_changes([1])
        found = cache.get(digest) or cache.put(digest, principal(label=digest), cache.version)
        return found.principal.label == digest

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(use, range(2000)))
    assert len(cache) <= 3
