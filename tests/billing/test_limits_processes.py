"""The free tier from real processes on PostgreSQL: with Redis, without it, after a restart."""

import os
import time
from urllib.parse import urlsplit

import pytest
import redis
from django.db import connection
from django.utils import timezone

from billing.limits import counters
from billing.models import RequestCount
from infra.moscow_time import moscow_day
from tests.billing.limit_processes import callers, stamps_of

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def admitted(
    account_id: int, redis_url: str, *, mode: str = "admit", processes: int = 2, threads: int = 100
) -> int:
    """Return how many of the requests that all processes make at once are admitted."""
    database = f"/{connection.settings_dict['NAME']}"
    environment = {
        "DATABASE_URL": urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(path=database).geturl(),
        "REDIS_URL": redis_url,
        "WEB_CONCURRENCY": str(processes),
        "FREE_CONCURRENCY": "1000",
    }
    with callers(processes, mode, threads, str(account_id), **environment) as running:
        return len(stamps_of(running))


def day_count(account_id: int) -> int:
    return counters.day_count(f"account:{account_id}", time.time_ns() // 1000)


def test_of_two_hundred_requests_at_once_twenty_are_admitted(redis_url: str) -> None:
    assert admitted(1, redis_url) == 20
    assert day_count(1) == 20


def test_of_two_hundred_requests_at_once_twenty_are_admitted_without_redis() -> None:
    assert admitted(1, "redis://127.0.0.1:1/0") == 20
    assert day_count(1) == 20


def test_of_two_hundred_plans_at_once_sixty_are_made(redis_url: str) -> None:
    assert admitted(1, redis_url, mode="plan") == 60
    assert admitted(1, redis_url) == 20


def test_of_two_hundred_plans_at_once_sixty_are_made_without_redis() -> None:
    assert admitted(1, "redis://127.0.0.1:1/0", mode="plan") == 60


def test_the_days_count_survives_a_restart_and_an_empty_redis(
    redis_url: str, redis_client: redis.Redis
) -> None:
    today = moscow_day(timezone.now())
    RequestCount.objects.create(owner="account:1", day=today, day_requests=195, stamps="")
    assert admitted(1, redis_url, processes=2, threads=4) == 5
    redis_client.flushdb()
    assert admitted(1, redis_url, processes=1, threads=10) == 0
    assert day_count(1) == 200
