"""Real processes on the test's own database: started, let go at once, asked or killed."""

import contextlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.db import connection

HANG_S = 120

Worker = subprocess.Popen[str]


def database_url() -> str:
    """Return the address of the database that the tests run on."""
    name = str(connection.settings_dict["NAME"])
    return urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(path=f"/{name}").geturl()


@contextlib.contextmanager
def workers(
    number: int, mode: str, threads: int, *arguments: object, address: str = ""
) -> Iterator[list[Worker]]:
    """Start workers and yield them when all are ready; kill what is left of them."""
    address = address or database_url()
    command = [sys.executable, "-m", "tests.billing.money_worker", mode, str(threads)]
    running = [start([*command, *map(str, arguments)], address) for _ in range(number)]
    try:
        for worker in running:
            assert read_line(worker) == "ready"
        yield running
    finally:
        for worker in running:
            worker.kill()
            worker.communicate(timeout=HANG_S)


def start(command: list[str], address: str) -> Worker:
    """Start a process on a database."""
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"DATABASE_URL": address},
    )


def let_go(running: list[Worker]) -> None:
    """Let all begin at once."""
    for worker in running:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()


def read_line(worker: Worker) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().rstrip("\n")


def all_results(running: list[Worker]) -> list[object]:
    """Return what all their threads came to."""
    return [result for worker in running for result in json.loads(read_line(worker))]


def race(number: int, mode: str, threads: int, *arguments: object) -> list[object]:
    """Let workers race to their end and return what all their threads came to."""
    with workers(number, mode, threads, *arguments) as running:
        let_go(running)
        return all_results(running)


def stopped_at(failpoint: str, account_id: int) -> uuid.UUID:
    """Have a worker killed at a failpoint; return the generation it was about."""
    with workers(1, "stop_at", 1, account_id, failpoint) as running:
        let_go(running)
        return uuid.UUID(read_line(running[0]))
