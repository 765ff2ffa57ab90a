"""Calls to Redis that go together, on a real Valkey: whose answer is whose, and what a failure means."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from infra import outages
from infra.fallback_cache import FallbackRedisCache
from infra.redis import RedisAway, SharedRedis
from infra.redis_batch import RedisBatch, RedisScript

HANG_S = 60
ADD = RedisScript("return redis.call('INCRBY', KEYS[1], ARGV[1])")


@pytest.fixture
def batch(redis_url: str, redis_client: redis.Redis) -> Iterator[RedisBatch]:
    shared = SharedRedis(redis_url)
    batch = RedisBatch(shared, name="calls", scripts=[ADD])
    yield batch
    assert batch.flush(HANG_S)
    shared.close()


def test_each_caller_hears_the_answer_to_its_own_call(batch: RedisBatch) -> None:
    with ThreadPoolExecutor(32) as callers:
        answers = list(callers.map(lambda n: batch.ask(("ECHO", str(n))), range(200)))
    assert answers == [str(n).encode() for n in range(200)]


def test_a_script_that_redis_forgot_is_sent_again_and_runs_once_for_each(
    batch: RedisBatch, redis_client: redis.Redis
) -> None:
    for total in (1, 2):
        redis_client.script_flush()
        assert batch.ask(ADD.call(["sum"], [1])) == total


def test_what_is_told_is_done_before_what_is_asked_afterwards(batch: RedisBatch) -> None:
    for number in range(50):
        batch.tell(("SET", "last", str(number)))
        assert batch.ask(("GET", "last")) == str(number).encode()


def test_a_refused_call_lets_redis_rest_and_the_next_answers_are_not_mixed_up(
    redis_url: str, redis_client: redis.Redis
) -> None:
    clock_s = [0.0]
    shared = SharedRedis(redis_url, clock=lambda: clock_s[0])
    batch = RedisBatch(shared, name="calls", scripts=[])
    redis_client.set("text", "no number")

    with pytest.raises(RedisAway):
        batch.ask(("INCR", "text"))
    with pytest.raises(RedisAway):
        batch.ask(("PING",))
    clock_s[0] = 2.0

    assert batch.ask(("GET", "text")) == b"no number"
    assert batch.flush(HANG_S)
    shared.close()


def test_an_outage_is_a_line_at_each_end_however_many_uses_meet_it(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now_s = 100.0
    monkeypatch.setattr(outages, "redis", outages.Outage("Redis", clock=lambda: now_s))
    nowhere = "redis://127.0.0.1:1/7"  # a cache is kept for each address
    for use in (SharedRedis(nowhere), SharedRedis(nowhere)):
        with pytest.raises(RedisAway):
            ping(use)
    assert FallbackRedisCache(nowhere, {}).get("key") is None
    now_s = 103.0
    for use in (SharedRedis(redis_url), SharedRedis(redis_url)):
        ping(use)
        use.close()
    assert [record.message.partition(": ")[0] for record in caplog.records] == [
        "Redis is away",
        "Redis is back after 3 seconds.",
    ]


def ping(shared: SharedRedis) -> None:
    with shared.reached():
        shared.client.ping()


def test_without_redis_nobody_waits_and_what_is_told_is_dropped() -> None:
    shared = SharedRedis("redis://127.0.0.1:1/0")
    batch = RedisBatch(shared, name="calls", scripts=[])

    batch.tell(("PING",))
    for _ in range(3):
        with pytest.raises(RedisAway):
            batch.ask(("PING",))
    assert batch.flush(HANG_S)
    assert "calls" not in {thread.name for thread in threading.enumerate()}
