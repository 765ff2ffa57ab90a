"""The service behind a real pgbouncer in transaction mode, with deploy/pgbouncer.ini."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests.live.service import START_TIMEOUT_S, database, free_port, serve
from tests.servers import PROJECT

pytestmark = pytest.mark.postgres
PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"  # Debian's is not on everyone's path
TIMEOUTS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
}


@contextlib.contextmanager
def pgbouncer(folder: pathlib.Path, database_url: str) -> Iterator[str]:
    """Serve before the tests' PostgreSQL and yield the URL of the same database through it."""
    url = urlsplit(database_url)
    host = parse_qs(url.query).get("host", [url.hostname or ""])[0]
    name, user, port = url.path[1:], url.username, free_port()
    folder.chmod(0o755)
    text = (PROJECT / "deploy/pgbouncer.ini").read_text()
    for old, new in (
        ("xrouter = host=postgres port=5432", f"{name} = host={host} port={url.port or 5432}"),
        ("listen_addr = 0.0.0.0", "listen_addr = 127.0.0.1\nunix_socket_dir ="),
        ("listen_port = 6432", f"listen_port = {port}"),
        ("auth_type = scram-sha-256", "auth_type = trust"),
        ("/etc/pgbouncer/userlist.txt", str(folder / "userlist.txt")),
        ("default_pool_size = 40", "default_pool_size = 2"),
        ("reserve_pool_size = 10", "reserve_pool_size = 0"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    (folder / "pgbouncer.ini").write_text(text)
    (folder / "userlist.txt").write_text(f'"{user}" "{url.password or ""}"\n')
    as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, *as_nobody, folder / "pgbouncer.ini"], stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)
        else:
            pytest.fail((folder / "log").read_text())
        yield f"postgres://{user}@127.0.0.1:{port}/{name}"
    finally:
        process.terminate()
        process.wait(START_TIMEOUT_S)


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with (
        database("postgres", tmp_path_factory.mktemp("database")) as direct,
        pgbouncer(tmp_path_factory.mktemp("pgbouncer"), direct) as url,
    ):
        yield url


def test_every_connection_of_the_database_has_the_time_outs(pooled):
    def shown(_: int) -> dict[str, str]:
        with psycopg.connect(pooled, autocommit=True) as connection:
            return {
                name: connection.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index]
                for name in TIMEOUTS
            }

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(shown, range(16))) == [TIMEOUTS] * 16


def test_the_service_answers_counts_and_reads_long_lists_through_it(pooled, tmp_path):
    with serve("postgres", tmp_path, DATABASE_URL=pooled, PGBOUNCER="true") as service:
        client = service.openai()
        messages = [{"role": "user", "content": "Привет"}]

        def ask(_: int) -> str:
            answer = client.chat.completions.create(
                model="gigachat-pro",
                messages=messages,  # type: ignore[arg-type]
                max_tokens=10,
            )
            return str(answer.id)

        with ThreadPoolExecutor(8) as threads:
            assert len(set(threads.map(ask, range(24)))) == 24
        service.audit()  # it reads all entries by a cursor
        service.console.run("check_audit_log")
        service.hang_up()


def test_the_service_s_own_connections_have_the_time_outs_without_a_start_up_option(tmp_path):
    with serve("postgres", tmp_path) as service:
        printed = service.python(
            """
            from django.db import connection
            with connection.cursor() as cursor:
                for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                    cursor.execute(f"SHOW {name}")
                    print(cursor.fetchone()[0])
            assert "options" not in connection.get_connection_params()
            """
        )
    assert printed.split() == list(TIMEOUTS.values())
