"""When a key was last used: once a minute for each key and process, and never in the way."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.last_use import LastUse
from accounts.models import APIKey
from tests.accounts.people import new_key

pytestmark = pytest.mark.django_db


def test_a_use_is_written_at_most_once_a_minute(django_assert_num_queries):
    now = 100.0
    last_use = LastUse(clock=lambda: now)
    key, _ = new_key()
    for later, queries in ((0, 1), (0, 0), (59, 0), (1, 1), (30, 0)):
        now += later
        with django_assert_num_queries(queries):
            last_use.note(key.pk)


def test_another_process_wrote_it_within_the_minute():
    key, _ = new_key()
    just_now = timezone.now() - timedelta(seconds=30)
    APIKey.objects.filter(pk=key.pk).update(last_used_at=just_now)
    LastUse().note(key.pk)
    key.refresh_from_db()
    assert key.last_used_at == just_now


def test_an_older_use_is_written_over():
    key, _ = new_key()
    APIKey.objects.filter(pk=key.pk).update(last_used_at=timezone.now() - timedelta(seconds=61))
    began = timezone.now()
    LastUse().note(key.pk)
    key.refresh_from_db()
    assert key.last_used_at is not None
    assert key.last_used_at >= began


def test_the_memory_of_uses_is_bounded(django_assert_num_queries):
    last_use = LastUse(keys_max=2, clock=lambda: 100.0)
    for key_id in (-1, -2, -3, -3, -2):
        last_use.note(key_id)
    with django_assert_num_queries(1):
        last_use.note(-1)


@pytest.mark.django_db(transaction=True)
def test_a_store_that_cannot_write_fails_nobody(caplog):
    key, _ = new_key()
    with connection.execute_wrapper(_out_of_order):
        LastUse().note(key.pk)
    assert "last use" in caplog.text
    key.refresh_from_db()
    assert key.last_used_at is None


def _out_of_order(execute, sql, params, many, context):
    return execute("UPDATE a_table_that_is_not_there SET a = 1", None, many, context)
