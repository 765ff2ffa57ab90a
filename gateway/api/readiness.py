"""Whether this process can serve: its database, its migrations, Redis, and the periodic jobs' ages."""

import threading
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone
from psycopg_pool import PoolTimeout

from billing import job_locks
from infra import outages
from infra.usable_database import is_migrated

REDIS_TIMEOUT_S = 0.5

_was_migrated = threading.Event()  # what is applied stays so


def database_state() -> str:
    """Return `ok` or `away`."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError, PoolTimeout) as error:
        outages.database.note(error)
        return "away"
    outages.database.over()
    return "ok"


def redis_state() -> str:
    """Return `ok`, `away`, or `embedded` where none is configured and this process keeps the limits."""
    if not settings.REDIS_URL:
        return "embedded"
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        socket_timeout=REDIS_TIMEOUT_S,
    )
    try:
        client.ping()
    except redis.RedisError as error:
        outages.redis.note(error)
        return "away"
    finally:
        client.close()
    outages.redis.over()
    return "ok"


def migrations_state() -> str:
    """Return `applied`, or `pending` where the database is older than the code."""
    if not _was_migrated.is_set():
        if not is_migrated(connection):
            return "pending"
        _was_migrated.set()
    return "applied"


def job_ages_s() -> dict[str, int]:
    """Return for each periodic job how many seconds ago it last ended well."""
    now = timezone.now()
    return {
        job: max(0, round((now - at).total_seconds()))
        for job, at in sorted(job_locks.successes().items())
    }


def report() -> dict[str, Any]:
    """Return `{"parts": {"database", "redis", "migrations"}, "jobs": {job: age in seconds}}`."""
    parts = {"database": database_state(), "redis": redis_state()}
    jobs: dict[str, int] = {}
    if parts["database"] == "ok":
        parts["migrations"] = migrations_state()
        if parts["migrations"] == "applied":  # else their table may be missing
            jobs = job_ages_s()
    return {"parts": parts, "jobs": jobs}
