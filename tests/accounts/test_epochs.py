"""Where an account's epoch is read: Redis when it answers, the database in any case."""

import contextlib
import socket
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis

from accounts import api_keys, epochs
from accounts.epochs import RedisEpochs
from accounts.models import Account
from accounts.shared_redis import RedisAway
from tests.accounts.people import new_key


class BlackHole:
    """A port that takes connections and never answers."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.socket.setblocking(False)
        self.url = f"redis://127.0.0.1:{self.socket.getsockname()[1]}/0"

    def callers(self):
        """Return how many came since the last question."""
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                self.socket.accept()[0].close()
                count += 1
        return count


@pytest.fixture
def black_hole():
    hole = BlackHole()
    with hole.socket:
        yield hole


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"redis://127.0.0.1:{port}/0"


def test_redis_remembers_the_highest_epoch_for_half_a_second(redis_url, redis_client):
    store = RedisEpochs(redis_url)
    assert store.get(7) is None
    store.put(7, 5)
    store.put(7, 4)
    assert store.get(7) == 5
    store.put(7, 10)
    assert store.get(7) == 10
    assert 0 < redis_client.pttl("epoch:7") <= 500


def test_a_repeated_epoch_lives_no_longer(redis_url, redis_client):
    store = RedisEpochs(redis_url)
    store.put(7, 5)
    redis_client.pexpire("epoch:7", 100)
    store.put(7, 5)
    assert redis_client.pttl("epoch:7") <= 100


@pytest.mark.parametrize("call", [lambda store: store.get(7), lambda store: store.put(7, 1)])
def test_a_black_hole_is_tried_once_a_second(black_hole, call):
    now = 100.0
    store = RedisEpochs(black_hole.url, clock=lambda: now)
    for later, callers in ((0, 1), (0, 0), (0.9, 0), (0.2, 1), (0.1, 0), (1, 1)):
        now += later
        with pytest.raises(RedisAway):
            call(store)
        assert black_hole.callers() == callers


def test_while_one_tries_the_others_keep_to_the_database(black_hole):
    now = 100.0
    store = RedisEpochs(black_hole.url, clock=lambda: now)
    with pytest.raises(RedisAway):
        store.get(7)
    now += 1
    trial = store._redis.reached()
    with trial, pytest.raises(RedisAway), store._redis.reached():
        pytest.fail("two tried at once")
    store._redis.reached().__enter__()


def test_a_redis_that_came_back_is_used_again(redis_url, redis_client):
    now = 100.0
    store = RedisEpochs(redis_url, clock=lambda: now)
    redis_client.set("epoch:7", "no number")
    with pytest.raises(RedisAway):
        store.get(7)
    redis_client.set("epoch:7", "3")
    with pytest.raises(RedisAway):
        store.get(7)
    now += 1
    assert store.get(7) == 3


def test_a_redis_that_refuses_to_write_is_away(redis_url, redis_client):
    reader = f"reader-{uuid4().hex}"
    redis_client.acl_setuser(
        reader, enabled=True, nopass=True, keys=["*"], commands=["+get", "+eval", "+@connection"]
    )
    try:
        store = RedisEpochs(urlsplit(redis_url)._replace(netloc=_as(reader, redis_url)).geturl())
        assert store.get(7) is None
        with pytest.raises(RedisAway):
            store.put(7, 1)
    finally:
        redis_client.acl_deluser(reader)


def _as(name, url):
    return f"{name}:any@{urlsplit(url).netloc.rpartition('@')[2]}"


@pytest.mark.django_db
def test_the_epoch_is_read_from_the_database_once_for_all(
    settings, redis_url, django_assert_num_queries
):
    settings.REDIS_URL = redis_url
    key, _ = new_key()
    epoch = Account.objects.get().credentials_epoch
    with django_assert_num_queries(1):
        assert epochs.current(key.account_id) == epoch
        assert epochs.current(key.account_id) == epoch


@pytest.mark.django_db
def test_without_redis_the_database_is_asked_each_time(settings, django_assert_num_queries):
    settings.REDIS_URL = ""
    key, _ = new_key()
    with django_assert_num_queries(2):
        epochs.current(key.account_id)
        epochs.current(key.account_id)


@pytest.mark.django_db
def test_a_redis_that_is_away_costs_nothing_but_a_query(
    settings, closed_port, black_hole, django_assert_num_queries
):
    key, _ = new_key()
    for url in (closed_port, black_hole.url):
        settings.REDIS_URL = url
        with django_assert_num_queries(1):
            assert epochs.current(key.account_id) == 1


@pytest.mark.django_db
def test_an_account_that_is_not_there_has_no_epoch(settings):
    settings.REDIS_URL = ""
    assert epochs.current(0) == -1


@pytest.mark.django_db(transaction=True)
def test_a_committed_change_is_published(settings, redis_url, redis_client: redis.Redis):
    settings.REDIS_URL = redis_url
    key, _ = new_key()
    api_keys.revoke(key=key)
    assert redis_client.get(f"epoch:{key.account_id}") == b"2"


@pytest.mark.django_db(transaction=True)
def test_a_change_needs_no_redis(settings, closed_port):
    settings.REDIS_URL = closed_port
    key, _ = new_key()
    api_keys.revoke(key=key)
    key.refresh_from_db()
    assert key.revoked_at is not None
