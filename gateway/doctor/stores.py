"""Database, migrations, Redis, the broker, the periodic jobs, the disk."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connection, connections
from django.utils import timezone
from kombu import Connection
from psycopg_pool import PoolTimeout

from billing import job_locks
from billing.late_jobs import overdue
from gateway.api.readiness import migrations_state, redis_state
from gateway.doctor.check import Check, failure, ok, warning
from infra.replica import ALIAS

LEAST_FREE_BYTES, WARNED_FREE_BYTES = 100 * 2**20, 2**30
BROKER_TIMEOUT_S = 3.0
WARNED_LAG_S = 60.0
_REPLAYED = """
    SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn(),
        EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp())
"""


def database() -> Iterator[Check]:
    """Connect, and see whether the schema is the code's."""
    if fault := _fault(DEFAULT_DB_ALIAS):
        yield failure(
            "database", f"It does not answer: {fault}", "Start it, or correct DATABASE_URL."
        )
        return
    if connection.vendor == "sqlite":
        yield ok("database", f"SQLite, {settings.DATABASES['default']['NAME']}.")
    else:
        yield ok("database", f"PostgreSQL {connection.pg_version // 10_000}.")  # type: ignore[attr-defined]
    if migrations_state() == "applied":
        yield ok("migrations", "All are applied.")
        yield from _jobs()
    else:
        yield failure("migrations", "The schema is older than the code.", "Run manage.py migrate.")


def replica() -> Iterator[Check]:
    """See whether the read replica answers, and how far it is behind."""
    if ALIAS not in connections.settings:
        return
    if fault := _fault(ALIAS):
        yield failure(
            "replica",
            f"It does not answer: {fault}",
            "Start it, or correct DATABASE_REPLICA_URL; until then pages read the primary.",
        )
        return
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(_REPLAYED)
        is_standby, replayed, replayed_s_ago = cursor.fetchone()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)", [replayed])
            behind_bytes = cursor.fetchone()[0]
    except (DatabaseError, InterfaceError, PoolTimeout):
        yield ok("replica", "It answers; how far it is behind only the database could say.")
        return
    if not is_standby:
        yield warning(
            "replica",
            "It answers, and is no standby: it may hold other rows than the database.",
            "Point DATABASE_REPLICA_URL to a standby of DATABASE_URL.",
        )
    elif behind_bytes > 0 and replayed_s_ago > WARNED_LAG_S:
        yield warning(
            "replica",
            f"It is {behind_bytes // 2**10} KiB behind: what it replayed last is {replayed_s_ago:.0f} s old.",
            "Look at its log and at pg_stat_replication of the primary; pages show old figures.",
        )
    else:
        yield ok("replica", f"It answers, {max(behind_bytes, 0) // 2**10} KiB behind.")


def _fault(alias: str) -> str:
    """Return why a database cannot be used, or nothing. The pool would only say that it waited in vain."""
    own = connections[alias].copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    try:
        with closing(own), own.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError, OSError) as error:
        return " ".join(str(error).split())
    return ""


def _jobs() -> Iterator[Check]:
    successes = job_locks.successes()
    if not successes:
        yield ok("jobs", "None has run yet.")
        return
    names = overdue(successes, timezone.now())
    if names:
        yield warning(
            "jobs",
            f"Late: {', '.join(names)}.",
            "See that the server runs, or with a broker celery worker and one celery beat.",
        )
    else:
        yield ok("jobs", f"{len(successes)} have run in time.")


def redis() -> Iterator[Check]:
    """Ask Redis, where one is configured."""
    state = redis_state()
    if state == "embedded":
        yield ok("redis", "None is configured: one worker counts by itself.")
    elif state == "ok":
        yield ok("redis", "It answers.")
    else:
        yield failure("redis", "It does not answer.", "Start it, or correct REDIS_URL.")


def broker() -> Iterator[Check]:
    """Connect to Celery's broker, where there is one."""
    if not settings.CELERY_BROKER_URL:
        yield ok("broker", "None is configured: the server runs the periodic jobs itself.")
        return
    try:
        with Connection(settings.CELERY_BROKER_URL, connect_timeout=BROKER_TIMEOUT_S) as found:
            found.ensure_connection(max_retries=1, timeout=int(BROKER_TIMEOUT_S))
    except Exception as error:  # each transport has its own
        is_redis = settings.CELERY_BROKER_URL == settings.REDIS_URL
        variable = "REDIS_URL" if is_redis else "CELERY_BROKER_URL"
        yield failure("broker", f"It does not answer: {error}", f"Start it, or correct {variable}.")
        return
    yield ok("broker", "It answers.")


def disk() -> Iterator[Check]:
    """See how much room is left where the service writes."""
    for folder in sorted({settings.VAR_DIR, *_sqlite_folder()}):
        name = f"disk {folder}"
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(existing).free
        message = f"{free // 2**20} MiB are free."
        if free < LEAST_FREE_BYTES:
            yield failure(name, message, "Make room: a full disk stops every answer.")
        elif free < WARNED_FREE_BYTES:
            yield warning(name, message, "Make room before it is full.")
        else:
            yield ok(name, message)


def _sqlite_folder() -> Iterator[Path]:
    if connection.vendor == "sqlite":
        yield Path(str(settings.DATABASES["default"]["NAME"])).parent
