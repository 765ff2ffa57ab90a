"""A credential that is taken away is refused by every process within two seconds, come what may."""

import os
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.db import connection

from accounts.keys.key_format import make_key

PROMISED_S = 2
WARM_S = 1.2
HANG_S = 60
TAKEN_AWAY = {
    "revoke": "InvalidCredential",
    "disable": "InvalidCredential",
    "suspend": "AccountSuspended",
    "shut-out": "AccountSuspended",
}


class RevocationCaller:
    """Another process with the same stores, but perhaps another way to Redis."""

    def __init__(self, database_url, redis_url):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.accounts.caller"],
            env=os.environ | {"DATABASE_URL": database_url, "REDIS_URL": redis_url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin
        assert self.process.stdout
        self.input, self.output = self.process.stdin, self.process.stdout

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.input.close()
        try:
            self.process.wait(HANG_S)
        finally:
            self.process.kill()
            self.process.wait()
            self.output.close()

    def say(self, *words):
        self.input.write(" ".join(words) + "\n")
        self.input.flush()
        return self.output.readline().strip()


@pytest.fixture
def black_hole_url():
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def refused_everywhere(operator, processes):
    """Warm every process with every key, take the keys away, and see them refused everywhere."""
    keys = {verb: operator.say("issue", f"{uuid4().hex}@example.ru") for verb in TAKEN_AWAY}
    for process in processes:
        assert {process.say("ask", raw) for raw in keys.values()} == {"good"}
    keep_asking(processes, keys.values(), until=time.monotonic() + WARM_S)
    for verb, raw in keys.items():
        assert operator.say(verb, raw) == "done"
    deadline = time.monotonic() + PROMISED_S
    for verb, raw in keys.items():
        assert operator.say("ask", raw) == TAKEN_AWAY[verb]
    keep_asking(processes, keys.values(), until=deadline)
    for process in processes:
        assert {verb: process.say("ask", raw) for verb, raw in keys.items()} == TAKEN_AWAY


def keep_asking(processes, keys, *, until):
    """Ask again and again, which keeps the memories of the processes and of Redis warm."""
    while time.monotonic() < until:
        for process in processes:
            for raw in keys:
                process.say("ask", raw)


@pytest.mark.embedded
def test_every_process_refuses_within_two_seconds(own_sqlite_url, redis_url, black_hole_url):
    with (
        RevocationCaller(own_sqlite_url, redis_url) as operator,
        RevocationCaller(own_sqlite_url, redis_url) as with_redis,
        RevocationCaller(own_sqlite_url, "") as without_redis,
        RevocationCaller(own_sqlite_url, black_hole_url) as before_a_black_hole,
    ):
        refused_everywhere(operator, [with_redis, without_redis, before_a_black_hole])


@pytest.mark.embedded
def test_a_change_that_could_not_be_published_holds_too(own_sqlite_url, redis_url, closed_port):
    unreachable = f"redis://127.0.0.1:{closed_port}/0"
    with (
        RevocationCaller(own_sqlite_url, unreachable) as operator,
        RevocationCaller(own_sqlite_url, redis_url) as first,
        RevocationCaller(own_sqlite_url, redis_url) as other,
    ):
        refused_everywhere(operator, [first, other])


def test_a_database_that_is_away_is_told_from_a_bad_key(closed_port):
    with RevocationCaller(f"postgres://nobody@127.0.0.1:{closed_port}/none", "") as process:
        assert process.say("ask", make_key(is_test=False)) == "CredentialStoreUnavailable"
        assert process.say("ask", "garbage") == "InvalidCredential"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_every_process_refuses_within_two_seconds_on_postgresql(redis_url):
    name = connection.settings_dict["NAME"]
    database_url = urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(path=f"/{name}").geturl()
    with (
        RevocationCaller(database_url, redis_url) as operator,
        RevocationCaller(database_url, redis_url) as with_redis,
        RevocationCaller(database_url, "") as without_redis,
    ):
        refused_everywhere(operator, [with_redis, without_redis])
