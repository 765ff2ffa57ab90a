"""migrate runs one at a time, without the time-outs of requests; afterwards they hold again."""

import contextlib
import io
import os
import pathlib
import subprocess
import sys
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.exceptions import NodeNotFoundError

from infra.management.commands import migrate
from tests.live.callers import wait_until
from tests.live.service import database, manage
from tests.servers import PROJECT

TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def shown() -> list[str]:
    with connection.cursor() as cursor:
        found = []
        for name in TIMEOUTS:
            cursor.execute(f"SHOW {name}")
            found.append(cursor.fetchone()[0])
    return found


def locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_migration_may_compute_for_long_and_a_request_may_not(monkeypatch):
    within: list[list[str]] = []
    monkeypatch.setattr(
        "django.core.management.commands.migrate.Command.handle",
        lambda *arguments, **options: within.append(shown()),
    )
    before = shown()
    call_command("migrate", verbosity=0)
    assert within == [["0", "5s", "0"]]
    assert shown() == before == ["5s", "2s", "1min"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_migration_that_fails_leaves_neither_lock_nor_session(monkeypatch):
    def fail(*arguments, **options):
        raise NodeNotFoundError("no", ("app", "0001"))

    monkeypatch.setattr("django.core.management.commands.migrate.Command.handle", fail)
    before = shown()
    with pytest.raises(NodeNotFoundError):
        call_command("migrate", verbosity=0)
    assert shown() == before
    # The server gives the lock back when it hears that the session's connection has ended.
    wait_until(lambda: locks() == 0, "the lock is given back")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_second_migrate_says_that_it_waits_and_goes_on_when_the_first_is_done():
    settings = connection.get_connection_params()
    first = psycopg.connect(
        **{name: settings[name] for name in ("dbname", "user", "host", "port") if name in settings},
        autocommit=True,
    )

    class Told(io.StringIO):
        def write(self, text: str) -> int:
            first.close()
            return super().write(text)

    told = Told()
    with first:
        first.execute("SELECT pg_advisory_lock(%s)", [migrate._ADVISORY_LOCK])
        call_command("migrate", verbosity=0, stderr=told)
    assert told.getvalue() == "Another migrate runs; waiting for it.\n"


@pytest.mark.both_stores
@pytest.mark.django_db(transaction=True)
def test_several_at_once_make_one_schema(request, tmp_path: pathlib.Path):
    store = request.config.option.store
    if store == "sqlite":
        url = f"sqlite:///{tmp_path}/new.sqlite3"
        migrate_at_once(url)
        return
    with database("postgres", tmp_path) as url:
        with psycopg.connect(url, autocommit=True) as made:
            made.execute("DROP SCHEMA public CASCADE")
            made.execute("CREATE SCHEMA public")
        migrate_at_once(url)


@pytest.mark.both_stores
def test_the_system_checks_are_made_alone_too(monkeypatch):
    done: list[str] = []

    @contextlib.contextmanager
    def alone(*arguments):
        done.append("alone")
        yield
        done.append("not alone")

    django = "django.core.management"
    monkeypatch.setattr(migrate, "_alone", alone)
    monkeypatch.setattr(f"{django}.base.BaseCommand.check", lambda *a, **k: done.append("checks"))
    monkeypatch.setattr(
        f"{django}.commands.migrate.Command.handle", lambda *a, **k: done.append("migrates")
    )
    call_command("migrate", verbosity=0, skip_checks=False)
    assert done == ["alone", "checks", "migrates", "not alone"]


@pytest.mark.embedded
@pytest.mark.django_db
def test_an_embedded_database_is_closed_before_the_next_migrate_begins(tmp_path: pathlib.Path):
    own = connection.copy()
    own.settings_dict["NAME"] = tmp_path / "new.sqlite3"
    with migrate._alone(own, lambda: None):
        own.ensure_connection()
    assert own.connection is None


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"path": "/xrouter_none"}, 'database "xrouter_none" does not exist'),
        ({"netloc": "nobody_here@{server}"}, "nobody_here"),
        ({"netloc": "postgres@127.0.0.1:9", "query": ""}, "refused"),
    ],
)
def test_a_database_that_cannot_be_reached_is_named_in_one_line(change, why):
    parts = urlsplit(os.environ["TEST_POSTGRES_URL"])
    server = parts.netloc.rpartition("@")[2]
    changed = {name: text.replace("{server}", server) for name, text in change.items()}
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=PROJECT, env=environment_of(parts._replace(**changed).geturl()),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("CommandError: DATABASE_URL ")
    assert why in line
    assert len(line) < 300


def environment_of(url: str) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "DJANGO_SETTINGS_MODULE": "xrouter_site.settings",
        "SECRET_KEY": "of-the-tests-alone-" + "0" * 40,
        "DATABASE_URL": url,
    }


def migrate_at_once(url: str) -> None:
    environment = environment_of(url)
    running = [
        subprocess.Popen(
            [sys.executable, "manage.py", "migrate", "-v0"],
            cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    errors = [process.communicate(timeout=300)[1] for process in running]
    assert [process.returncode for process in running] == [0] * len(running), errors
    assert "[ ]" not in manage(environment, "showmigrations")
