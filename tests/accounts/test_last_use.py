"""When and from where a credential was last used: once a minute for each process, and never in the way."""

from datetime import timedelta
from ipaddress import ip_address

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.keys.bearer import authenticate
from accounts.keys.credential_cache import CachedCredential
from accounts.keys.key_principal import principal_of
from accounts.keys.last_use import LastUse, last_use, network_of
from accounts.models import APIKey
from infra import outages
from tests.accounts.people import new_key

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]

HOME = ip_address("203.0.113.77")


def cached(key):
    return CachedCredential(principal_of(key), 0)


def test_a_use_is_written_at_most_once_a_minute(django_assert_num_queries):
    now = 100.0
    uses = LastUse(clock=lambda: now)
    credential = cached(new_key()[0])
    for later, is_written in ((0, True), (0, False), (59, False), (1, True), (30, False)):
        now += later
        with django_assert_num_queries(1 if is_written else 0):
            uses.note(credential, HOME)


def test_another_process_wrote_it_within_the_minute():
    key, _ = new_key()
    just_now = timezone.now() - timedelta(seconds=30)
    APIKey.objects.filter(pk=key.pk).update(last_used_at=just_now)
    LastUse().note(cached(key), HOME)
    key.refresh_from_db()
    assert key.last_used_at == just_now


def test_an_older_use_is_written_over():
    key, _ = new_key()
    APIKey.objects.filter(pk=key.pk).update(last_used_at=timezone.now() - timedelta(seconds=61))
    began = timezone.now()
    LastUse().note(cached(key), HOME)
    key.refresh_from_db()
    assert key.last_used_at is not None
    assert key.last_used_at >= began
    assert key.last_used_network == "203.0.113.0/24"


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.77", "203.0.113.0/24"), ("2001:db8:1:2::7", "2001:db8:1::/48"), (None, "")],
)
def test_a_network_is_what_a_household_has(address, network):
    assert network_of(address and ip_address(address)) == network


@pytest.mark.django_db(transaction=True)
def test_requests_do_not_write_and_many_uses_are_one_statement():
    raws = [new_key()[1] for _ in range(20)]
    statements = []

    def count(execute, sql, params, many, context):
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        for raw in raws:
            authenticate(f"Bearer {raw}", HOME)
    assert statements == []
    last_use.stop()
    last_use.write()
    assert not APIKey.objects.filter(last_used_network="").exists()


@pytest.mark.django_db(transaction=True)
def test_a_store_that_cannot_write_fails_nobody(monkeypatch, caplog):
    monkeypatch.setattr(outages, "database", outages.Outage("The database"))
    key, _ = new_key()
    with transaction.atomic(), connection.execute_wrapper(_away):
        LastUse().note(cached(key), HOME)
        transaction.set_rollback(True)
    assert "The database is away" in caplog.text
    key.refresh_from_db()
    assert key.last_used_at is None


def _away(*_):
    raise OperationalError("away")
