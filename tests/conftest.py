"""What every test stands on: the chosen store, and a Redis and a cache that begin empty."""

import os
from collections.abc import Iterator

import pytest
import redis
from django.core.cache import cache

from gateway.health import monitor
from tests.billing.append_only import lift_triggers_to_flush

lift_triggers_to_flush()

STORE_FIXTURES = {"db", "transactional_db", "live_server", "running_service"}


def touches_a_store(item: pytest.Item) -> bool:
    """Say whether the choice of the database can matter to this test."""
    return bool(
        item.get_closest_marker("django_db")
        or item.get_closest_marker("postgres")
        or STORE_FIXTURES.intersection(getattr(item, "fixturenames", ()))
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On SQLite leave out what needs PostgreSQL; on PostgreSQL run only what touches a store."""
    if config.option.store == "postgres":
        out = [item for item in items if not touches_a_store(item)]
    else:
        out = [item for item in items if item.get_closest_marker("postgres")]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in set(out)]


@pytest.fixture(scope="session")
def redis_client() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(os.environ["TEST_REDIS_URL"]) as client:
        yield client


@pytest.fixture(autouse=True)
def _empty_stores(redis_client: redis.Redis) -> None:
    redis_client.flushdb()
    cache.clear()
    monitor.forget()


@pytest.fixture
def redis_url() -> str:
    """Return the address of a Redis database of this test's own."""
    return os.environ["TEST_REDIS_URL"]
