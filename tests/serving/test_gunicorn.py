"""gunicorn.conf.py, under a real gunicorn with a small application."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

PROJECT = pathlib.Path(__file__).parent.parent.parent
POSTGRES = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
GIVE_UP_S = 30

Serve = Callable[..., tuple[subprocess.Popen[bytes], int]]


def command(port: int, environment: dict[str, str], *, files: int | None = None) -> dict[str, Any]:
    """Return the arguments of Popen that start gunicorn on `port`."""
    gunicorn = [sys.executable, "-m", "gunicorn", "tests.serving.application:application"]
    gunicorn += ["-c", "gunicorn.conf.py"]
    limit = ["prlimit", f"--nofile={files}"] if files else []
    own = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return {
        "args": [*limit, *gunicorn],
        "cwd": PROJECT,
        "env": own | {"BIND": "127.0.0.1", "PORT": str(port)} | environment,
        "stderr": subprocess.PIPE,
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def serve() -> Iterator[Serve]:
    with contextlib.ExitStack() as stack:

        def start(
            environment: dict[str, str] | None = None, *, files: int | None = None
        ) -> tuple[subprocess.Popen[bytes], int]:
            port = free_port()
            server = subprocess.Popen(**command(port, environment or {}, files=files))
            stack.enter_context(server)
            stack.callback(server.kill)
            deadline = time.monotonic() + GIVE_UP_S
            while True:
                try:
                    get(port, "/")
                except OSError:
                    assert server.poll() is None, server.communicate()[1].decode()
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
                else:
                    return server, port

        yield start


@contextlib.contextmanager
def asking(port: int, path: str) -> Iterator[HTTPResponse]:
    """Send a request and yield the answer, its body unread, on a connection that stays open."""
    connection = HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_S)
    with contextlib.closing(connection):
        connection.request("GET", path)
        with connection.getresponse() as answer:
            yield answer


def get(port: int, path: str) -> bytes:
    with asking(port, path) as answer:
        return answer.read()


def refusal(environment: dict[str, str]) -> str:
    """Start gunicorn, which must not serve, and return what it says."""
    arguments = command(free_port(), environment)
    finished = subprocess.run(**arguments, timeout=GIVE_UP_S, check=False)
    assert finished.returncode == 1
    return str(finished.stderr.decode()).strip()


def test_sqlite_is_served_by_threads_and_postgresql_by_greenlets(serve):
    _, embedded = serve()
    _, production = serve(POSTGRES)
    assert json.loads(get(embedded, "/"))["is_gevent"] is False
    assert json.loads(get(production, "/"))["is_gevent"] is True


def test_the_application_is_warm_before_the_first_request(serve):
    _, port = serve()
    assert json.loads(get(port, "/"))["warmed_up"] == ["/health", "/v1/models"]


@pytest.mark.parametrize("environment", [{}, POSTGRES], ids=["threads", "greenlets"])
def test_a_stop_lets_a_stream_finish_and_does_not_wait_for_idle_clients(serve, environment):
    server, port = serve(environment)
    with asking(port, "/") as idle, asking(port, "/stream") as stream:
        idle.read()
        assert stream.read(5) == b"word "

        server.terminate()

        assert stream.read() == b"word " * 9
        assert server.wait(timeout=GIVE_UP_S) == 0


def test_a_reload_refuses_nobody(serve):
    server, port = serve()
    before = json.loads(get(port, "/"))["pid"]
    server.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + GIVE_UP_S
    while json.loads(get(port, "/"))["pid"] == before:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("environment", [{}, POSTGRES], ids=["threads", "greenlets"])
def test_few_files_mean_less_capacity_and_no_crash(serve, environment):
    _, port = serve(environment, files=64)
    before = json.loads(get(port, "/"))
    with ThreadPoolExecutor(60) as crowd:
        answers = list(crowd.map(lambda _: get(port, "/stream"), range(60)))
    assert answers == [b"word " * 10] * 60
    after = json.loads(get(port, "/"))
    assert after["pid"] == before["pid"]
    assert 1 <= before["capacity"] < 64


def test_several_workers_without_redis_are_refused_in_one_line():
    line = "WEB_CONCURRENCY above 1 needs REDIS_URL: limits are counted across workers there."
    assert refusal({"WEB_CONCURRENCY": "2"}) == line


@pytest.mark.parametrize("name", ["PORT", "WORKER_CAPACITY"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "²"])
def test_a_number_that_is_none_is_refused_in_one_line(name, value):
    assert refusal({name: value}) == f"{name} is {value!r}: write a whole number from 1 up."


def test_a_total_timeout_may_be_a_part_of_a_second(serve):
    serve({"UPSTREAM_TOTAL_TIMEOUT": "0.5"})
