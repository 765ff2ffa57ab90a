"""Keys: what is kept of them, what may be set on them, and what the database refuses."""

import threading
from ipaddress import ip_network

import pytest
from django.core import serializers
from django.db import IntegrityError, connection, transaction

from accounts import suspension
from accounts.errors import InvalidKeySetting, KeyRevoked, TooManyKeys
from accounts.keys import issuing, key_principal
from accounts.keys.key_format import digest_of
from accounts.models import APIKey, CredentialChange
from accounts.principal import KeyBudget, KeyRate, Principal
from tests.accounts.people import account_of, new_key

pytestmark = pytest.mark.django_db


def test_a_key_is_kept_as_its_digest_and_shown_by_its_ends():
    key, raw = new_key()
    key.refresh_from_db()
    assert key.digest == key.hash == digest_of(raw)
    assert str(key) == f"{raw[:12]}…{raw[-4:]}"
    assert raw[12:-4] not in serializers.serialize("json", [key])


def test_a_new_key_may_chat_and_read_usage_and_is_bound_to_nothing():
    key, _ = new_key()
    assert key_principal.principal_of(key) == Principal(
        account_id=key.account_id,
        user_id=key.user_id,
        credential_kind="key",
        credential_id=key.pk,
        scopes=frozenset({"chat", "usage"}),
        label="shell",
    )


def test_all_settings_of_a_key_reach_its_principal():
    key, raw = new_key(
        is_test=True,
        scopes=["chat"],
        allowed_models=["gigachat-pro", " gigachat-pro "],
        allowed_ips=["203.0.113.7", "10.1.2.3/8", "::ffff:192.0.2.0/120", "2001:db8::/32"],
        limit_nano=0,
        limit_reset="weekly",
        rate=KeyRate(requests=5, window_s=60),
    )
    assert raw.startswith("xr-test-")
    key.refresh_from_db()
    principal = key_principal.principal_of(key)
    assert principal.is_test
    assert principal.scopes == {"chat"}
    assert principal.allowed_models == {"gigachat-pro"}
    assert principal.allowed_networks == tuple(
        ip_network(text) for text in ("203.0.113.7", "10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32")
    )
    assert principal.budget == KeyBudget(limit_nano=0, reset="weekly")
    assert principal.limits.rate == KeyRate(requests=5, window_s=60)


def test_an_edit_changes_what_it_names_and_nothing_else():
    key, _ = new_key(limit_nano=7, rate=KeyRate(requests=5, window_s=1))
    issuing.edit(key=key, name="office", rate=None)
    key.refresh_from_db()
    assert (key.name, key.limit_nano, key.rate_requests, key.rate_window_s) == (
        "office",
        7,
        None,
        None,
    )


def test_an_edit_of_nothing_changes_nothing():
    key, _ = new_key()
    issuing.edit(key=key)
    assert key.name == "shell"


def test_a_revoked_key_stays_as_it_was():
    key, _ = new_key()
    issuing.revoke(key=key)
    revoked_at = key.revoked_at
    assert revoked_at is not None
    issuing.revoke(key=key)
    assert key.revoked_at == revoked_at
    with pytest.raises(KeyRevoked):
        issuing.edit(key=key, name="office")
    key.refresh_from_db()
    assert key.name == "shell"


def test_every_change_is_written_to_the_log_and_a_new_key_is_none():
    key, _ = new_key()
    assert not CredentialChange.objects.exists()
    for number, change in enumerate(
        (
            lambda: issuing.edit(key=key, disabled=True),
            lambda: issuing.revoke(key=key),
            lambda: suspension.suspend(account=key.account, reason="spam"),
        ),
        start=1,
    ):
        change()
        changes = CredentialChange.objects.filter(account_id=key.account_id)
        assert changes.count() == number


@pytest.mark.parametrize(
    ("field", "setting"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "  "}),
        ("name", {"name": "a" * 101}),
        ("name", {"name": "a\nb"}),
        ("name", {"name": "a\0b"}),
        ("name", {"name": "\ud800"}),
        ("scopes", {"scopes": []}),
        ("scopes", {"scopes": ["chat", "keys"]}),
        ("allowed_models", {"allowed_models": [""]}),
        ("allowed_models", {"allowed_models": ["a\0b"]}),
        ("allowed_models", {"allowed_models": [str(number) for number in range(101)]}),
        ("allowed_ips", {"allowed_ips": ["everyone"]}),
        ("allowed_ips", {"allowed_ips": ["10.0.0.0/33"]}),
        ("allowed_ips", {"allowed_ips": [f"10.0.0.{number}" for number in range(101)]}),
        ("limit", {"limit_nano": -1}),
        ("limit", {"limit_nano": 10**18 + 1}),
        ("limit_reset", {"limit_reset": "yearly"}),
        ("rate_limit", {"rate": KeyRate(requests=0, window_s=1)}),
        ("rate_limit", {"rate": KeyRate(requests=1, window_s=0)}),
        ("rate_limit", {"rate": KeyRate(requests=2**31, window_s=1)}),
    ],
)
def test_a_senseless_setting_is_refused_by_name(field, setting):
    key, _ = new_key()
    with pytest.raises(InvalidKeySetting) as refusal:
        issuing.edit(key=key, **setting)
    assert refusal.value.field == field
    account = account_of()
    with pytest.raises(InvalidKeySetting):
        issuing.issue(account=account, user=account.owner, **({"name": "shell"} | setting))
    assert APIKey.objects.get() == key


@pytest.mark.parametrize(
    "columns",
    [
        {"digest": "short"},
        {"head": "xr-live-"},
        {"tail": "abc"},
        {"name": ""},
        {"limit_nano": -1},
        {"limit_reset": "yearly"},
        {"rate_requests": 5},
        {"rate_window_s": 60},
        {"rate_requests": 0, "rate_window_s": 60},
        {"rate_requests": 5, "rate_window_s": 0},
    ],
)
def test_the_database_refuses_a_broken_row(columns):
    key, _ = new_key()
    with pytest.raises(IntegrityError), transaction.atomic():
        APIKey.objects.filter(pk=key.pk).update(**columns)


def test_the_database_refuses_a_second_key_with_one_digest():
    key, _ = new_key()
    other, _ = new_key()
    with pytest.raises(IntegrityError), transaction.atomic():
        APIKey.objects.filter(pk=other.pk).update(digest=key.digest)


def test_the_text_of_a_key_is_in_no_message_of_its_own():
    key, raw = new_key()
    assert raw not in repr(key) + str(key) + repr(key_principal.principal_of(key))


def test_an_account_has_so_many_keys_at_most_and_revoked_ones_do_not_count(monkeypatch):
    monkeypatch.setattr(issuing, "KEYS_MAX", 2)
    new_key()
    revoked, _ = new_key()
    new_key("other@example.ru")
    issuing.revoke(key=revoked)
    new_key()
    with pytest.raises(TooManyKeys, match="2 keys at most"):
        new_key()
    assert APIKey.objects.filter(account=account_of()).count() == 3


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_that_come_at_once_no_more_keys_are_made_than_an_account_may_have(monkeypatch):
    monkeypatch.setattr(issuing, "KEYS_MAX", 3)
    account = account_of()
    together = threading.Barrier(8)
    refused = []

    def run():
        together.wait()
        try:
            issuing.issue(account=account, user=account.owner, name="at once")
        except TooManyKeys as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (APIKey.objects.count(), len(refused)) == (3, 5)
