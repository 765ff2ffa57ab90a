"""gunicorn.conf.py, under a real gunicorn with a small application."""

import contextlib
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

import pytest

PROJECT = pathlib.Path(__file__).parent.parent.parent
POSTGRES = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
GIVE_UP_S = 60

Serve = Callable[..., tuple[subprocess.Popen[bytes], int]]


def command(
    port: int,
    environment: dict[str, str],
    *,
    files: int | None = None,
    settings: str = "gunicorn.conf.py",
) -> dict[str, Any]:
    """Return the arguments of Popen that start gunicorn on `port`."""
    gunicorn = [sys.executable, "-m", "gunicorn", "tests.serving.application:application"]
    gunicorn += ["-c", settings]
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
            environment: dict[str, str] | None = None, **more: Any
        ) -> tuple[subprocess.Popen[bytes], int]:
            port = free_port()
            server = subprocess.Popen(**command(port, environment or {}, **more))
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


def test_sqlite_is_served_by_threads_and_postgresql_by_greenlets(serve):
    _, embedded = serve()
    _, production = serve(POSTGRES)
    assert json.loads(get(embedded, "/"))["is_gevent"] is False
    assert json.loads(get(production, "/"))["is_gevent"] is True


def test_the_application_is_warm_before_the_first_request(serve):
    _, port = serve()
    assert json.loads(get(port, "/"))["warmed_up"] == ["/health", "/v1/models"]


@pytest.mark.parametrize(
    ("environment", "linger"),
    [({}, ""), (POSTGRES, ""), (POSTGRES, "worker_class.LINGER_S = 0.1")],
    ids=["threads", "greenlets", "greenlets that outlive the linger"],
)
def test_a_stop_lets_a_stream_finish_and_does_not_wait_for_idle_clients(
    serve, tmp_path, environment, linger
):
    server, port = serve(environment, settings=settings_with(tmp_path, linger))
    with asking(port, "/") as idle, asking(port, "/stream") as stream:
        idle.read()
        assert stream.read(5) == b"word "

        server.terminate()

        assert stream.read() == b"word " * 9
        assert server.wait(timeout=GIVE_UP_S) == 0


def settings_with(folder: pathlib.Path, line: str) -> str:
    """Return a file of gunicorn's settings, with one more line."""
    settings = folder / "gunicorn.conf.py"
    settings.write_text(f"{(PROJECT / 'gunicorn.conf.py').read_text()}\n{line}\n")
    return str(settings)


QUEUED = """
import runpy, socket, gevent
server_class = runpy.run_path("xrouter_site/gunicorn_workers.py")["DrainingServer"]
listener = gevent.socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
server = server_class(listener, lambda client, address: client.sendall(b"answered"))
server.start()
clients = [socket.create_connection(listener.getsockname()) for _ in range(20)]
server.close()
gevent.sleep(0)
for client in clients:
    print(client.recv(100).decode())
"""


FULL = """
import runpy, socket, gevent, gevent.pool
server_class = runpy.run_path("xrouter_site/gunicorn_workers.py")["DrainingServer"]
server_class.is_ending = [1]
listener = gevent.socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
goes_on = gevent.event.Event()
def answer(client, address):
    goes_on.wait()
    client.sendall(b"answered")
server = server_class(listener, answer, spawn=gevent.pool.Pool(1))
server.start()
clients = [socket.create_connection(listener.getsockname()) for _ in range(2)]
while server._watcher is not None:
    gevent.sleep(0.01)
gevent.spawn_later(server_class.HANDSHAKE_S / 2, goes_on.set)
server.close()
gevent.sleep(0)
for client in clients:
    print(client.recv(100).decode())
"""


SLOW_FORK = """
import os, runpy, time
globals().update(runpy.run_path("gunicorn.conf.py"))
fork = os.fork
def slow_fork():
    pid = fork()
    time.sleep(0 if pid else 5)
    return pid
os.fork = slow_fork
"""


def test_a_stop_ends_a_worker_that_has_just_been_forked(tmp_path):
    (settings := tmp_path / "settings.py").write_text(SLOW_FORK)
    port = free_port()
    with subprocess.Popen(**command(port, {}, settings=str(settings))) as server:
        while server.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.01)
        time.sleep(1)  # by now the worker is there, and slow
        server.terminate()
        try:
            assert server.wait(GIVE_UP_S) == 0
        finally:
            server.kill()


def test_connections_that_wait_to_be_accepted_at_a_stop_are_served():
    own = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", QUEUED], cwd=PROJECT, env=own, capture_output=True, text=True
    )
    assert done.stdout.split() == ["answered"] * 20, done.stderr


def test_a_place_that_comes_free_during_a_stop_does_not_begin_it_anew():
    own = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", FULL], cwd=PROJECT, env=own, capture_output=True, text=True
    )
    assert (done.stdout.split(), done.stderr) == (["answered"] * 2, "")


def test_nobody_who_was_let_in_at_a_stop_is_reset(serve):
    server, port = serve(POSTGRES)
    ends: list[str] = []

    def knock() -> None:
        while not ends or ends[-1] != "refused":
            try:
                get(port, "/")
                ends.append("answered")
            except ConnectionRefusedError:
                ends.append("refused")

    with ThreadPoolExecutor(8) as crowd:
        knocking = [crowd.submit(knock) for _ in range(8)]
        time.sleep(0.5)
        server.terminate()
        for each in knocking:
            each.result()  # it raises what else becomes of a connection
    assert server.wait(timeout=GIVE_UP_S) == 0
    assert {"answered", "refused"} == set(ends)


@pytest.mark.parametrize("environment", [{}, POSTGRES], ids=["threads", "greenlets"])
def test_a_reload_lets_the_old_worker_serve_until_the_new_one_does(serve, tmp_path, environment):
    (gate := tmp_path / "gate").touch()
    server, port = serve(environment | {"GATE": str(gate)})
    old = pid_at(port)
    gate.unlink()
    server.send_signal(signal.SIGHUP)
    booting_pid(server, other_than=old)
    assert {pid_at(port) for _ in range(20)} == {old}
    gate.touch()
    wait_for_another(port, old)


def test_of_reloads_in_a_row_the_last_one_holds(serve, tmp_path):
    (gate := tmp_path / "gate").touch()
    server, port = serve({"GATE": str(gate)})
    old = pid_at(port)
    gate.unlink()
    server.send_signal(signal.SIGHUP)
    overtaken = booting_pid(server, other_than=old)
    server.send_signal(signal.SIGHUP)
    last = booting_pid(server, other_than=overtaken)
    assert pid_at(port) == old
    gate.touch()
    deadline = time.monotonic() + GIVE_UP_S
    while pid_at(port) != last or pathlib.Path(f"/proc/{overtaken}").exists():
        assert time.monotonic() < deadline


def test_a_worker_that_dies_while_the_one_before_it_streams_is_replaced(serve):
    server, port = serve()
    old = pid_at(port)
    with asking(port, "/endless") as stream:
        assert stream.read(5) == b"word "
        server.send_signal(signal.SIGHUP)
        new = wait_for_another(port, old)
        os.kill(new, signal.SIGKILL)
        wait_for_another(port, new)
        assert stream.read(5) == b"word "
    server.terminate()
    assert server.wait(timeout=GIVE_UP_S) == 0


def pid_at(port: int) -> int:
    return int(json.loads(get(port, "/"))["pid"])


def booting_pid(server: subprocess.Popen[bytes], *, other_than: int) -> int:
    """Wait until the log tells of a worker, and return its process."""
    assert server.stderr is not None
    while True:
        line = server.stderr.readline().decode()
        assert line, "The service has ended."
        found = re.search(r"Booting worker with pid: (\d+)", line)
        if found and int(found[1]) != other_than:
            return int(found[1])


def wait_for_another(port: int, old: int) -> int:
    """Wait until another process answers than `old`, and return it."""
    deadline = time.monotonic() + GIVE_UP_S
    while (pid := _pid_or_none(port)) in {old, None}:
        assert time.monotonic() < deadline
    assert pid is not None
    return pid


def _pid_or_none(port: int) -> int | None:
    with contextlib.suppress(OSError, HTTPException):  # a process that was killed answers no more
        return pid_at(port)
    return None


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


def test_who_has_been_idle_longest_makes_room_for_others(serve):
    server, port = serve(POSTGRES, files=110)
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(100):
            client = HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_S)
            clients.append(stack.enter_context(contextlib.closing(client)))
            client.request("GET", "/")
            assert json.loads(client.getresponse().read())["pid"]
        clients[-1].request("GET", "/")
        assert json.loads(clients[-1].getresponse().read())["pid"]
    server.terminate()
    assert server.communicate()[1].count(b"Too many open files") == 0


def test_heads_that_do_not_come_keep_no_place_from_others(serve):
    _, port = serve(POSTGRES, files=110)
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            slow.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert json.loads(get(port, "/"))["pid"]


@pytest.mark.parametrize("environment", [{}, POSTGRES], ids=["threads", "greenlets"])
def test_a_head_that_never_comes_whole_is_cut_and_an_idle_client_is_not(
    serve, tmp_path, environment
):
    patience = "worker_class.handle.__globals__['HEAD_S'] = 1.0"
    _, port = serve(environment, settings=settings_with(tmp_path, patience))
    with (
        contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_S)) as idle,
        socket.create_connection(("127.0.0.1", port), timeout=GIVE_UP_S) as slow,
    ):
        idle.request("GET", "/")
        idle.getresponse().read()
        slow.sendall(b"GET / HTTP/1.1\r\nHost: ")
        with contextlib.suppress(OSError):
            while not select.select([slow], [], [], 0.2)[0]:
                slow.sendall(b"a")
        with contextlib.suppress(ConnectionResetError):
            assert slow.recv(1) == b""
        idle.request("GET", "/")
        assert json.loads(idle.getresponse().read())["pid"]


@pytest.mark.parametrize(
    ("environment", "patience"),
    [
        ({}, "import struct; worker_class.SEND_TIMEOUT = struct.pack('ll', 1, 0)"),
        (POSTGRES, "worker_class.handle.__globals__['SEND_S'] = 1.0"),
    ],
    ids=["threads", "greenlets"],
)
def test_a_client_that_never_reads_its_answer_is_cut(serve, tmp_path, environment, patience):
    _, port = serve(environment, settings=settings_with(tmp_path, patience))
    with socket.create_connection(("127.0.0.1", port), timeout=GIVE_UP_S) as deaf:
        deaf.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        assert deaf.recv(1, socket.MSG_PEEK)
        assert is_held(deaf)
        deadline = time.monotonic() + GIVE_UP_S
        while is_held(deaf):
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
@pytest.mark.parametrize("environment", [{}, POSTGRES], ids=["threads", "greenlets"])
def test_who_is_answered_while_it_still_sends_gets_the_answer(serve, environment, connection):
    _, port = serve(environment)
    body = b"a" * 16 * 2**20
    head = f"POST / HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=GIVE_UP_S) as client:
        client.sendall(head.encode())
        assert client.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200"
        client.sendall(body)
        with contextlib.closing(HTTPResponse(client)) as answer:
            answer.begin()
            assert json.loads(answer.read())["pid"]


@pytest.mark.parametrize("environment", [{}, POSTGRES], ids=["threads", "greenlets"])
def test_an_answer_to_a_bad_chunk_says_that_it_is_the_last(serve, environment):
    _, port = serve(environment)
    with socket.create_connection(("127.0.0.1", port), timeout=GIVE_UP_S) as client:
        client.sendall(
            b"POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        )
        with contextlib.closing(HTTPResponse(client)) as answer:
            answer.begin()
            assert answer.headers["Connection"] == "close"
            assert json.loads(answer.read())["pid"]
        assert client.recv(1) == b""


def is_held(client: socket.socket) -> bool:
    """Say whether a process still has the other end of a connection."""
    port = f":{client.getsockname()[1]:04X}"
    ends = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()]
    return any(end[2].endswith(port) and end[9] != "0" for end in ends)


@pytest.mark.parametrize("environment", [{}, POSTGRES], ids=["threads", "greenlets"])
def test_what_comes_through_a_unix_socket_names_no_path_and_no_scheme(tmp_path, environment):
    where = str(tmp_path / "socket")
    with subprocess.Popen(**command(1, environment | {"BIND": f"unix:{where}"})) as server:
        try:
            booting_pid(server, other_than=0)
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(GIVE_UP_S)
                client.connect(where)
                lines = (
                    "Host: a",
                    "SCRIPT_NAME: /other",
                    "X-Forwarded-Proto: http",
                    "X-Forwarded-Ssl: on",
                )
                client.sendall("\r\n".join(("GET / HTTP/1.1", *lines, "", "")).encode())
                assert client.recv(12) == b"HTTP/1.1 200"
        finally:
            server.kill()


def test_a_total_timeout_may_be_a_part_of_a_second(serve):
    serve({"UPSTREAM_TOTAL_TIMEOUT": "0.5"})
