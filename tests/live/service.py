"""The service as users meet it: gunicorn over a database of its own, the sandbox for its upstreams."""

import contextlib
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import openai
import psycopg

from gateway.sandbox import credentials
from gateway.sandbox.server import Sandbox

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START_TIMEOUT_S = 60


@dataclass
class Service:
    """A running gunicorn. `query` reads its database from outside."""

    port: int
    environment: dict[str, str]
    sandbox: Sandbox
    process: subprocess.Popen[bytes]
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


def manage(environment: dict[str, str], *arguments: str) -> str:
    """Run a management command and return what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise AssertionError(f"manage.py {arguments[0]} failed:\n{done.stderr}")
    return done.stdout


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
        url = stack.enter_context(database(store, directory))
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
        if store == "postgres":
            environment["REDIS_URL"] = os.environ["TEST_REDIS_URL"].removesuffix("/0") + "/1"
        environment |= variables
        manage(environment, "migrate", "-v0")
        log = stack.enter_context((directory / "gunicorn.log").open("wb"))
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "xrouter_site.wsgi", "-c", "gunicorn.conf.py"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        stack.callback(_stop, process)
        _wait_until_ready(port, process, directory / "gunicorn.log")
        yield Service(port, environment, sandbox, process)


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
