"""script/server from a fresh checkout: what a newcomer sees, and that it works."""

import contextlib
import json
import os
import pathlib
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

PROJECT = pathlib.Path(__file__).parent.parent
PARTS = (
    *("web", "gateway", "billing", "accounts", "infra", "sandbox", "xrouter_site"),
    *("templates", "script", "static"),
)
FILES = ("gunicorn.conf.py", "manage.py", "requirements.txt", "requirements-dev.txt")
GIVE_UP_S = 180
CHMOD = shutil.which("chmod")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Copy the project, with this run's environment in place of an installed one."""
    tmp_path = tmp_path_factory.mktemp("checkout")
    for part in PARTS:
        if (PROJECT / part).exists():
            shutil.copytree(PROJECT / part, tmp_path / part)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for file in FILES:
        shutil.copy(PROJECT / file, tmp_path)
        shutil.copy(PROJECT / file, programs.parent)
    (programs / "activate").touch()
    (programs / "python").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    (programs / "python").chmod(0o755)
    return tmp_path


@contextlib.contextmanager
def server(checkout: pathlib.Path, **environment: str) -> Iterator[str]:
    """Run script/server until it listens and yield what it printed by then."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    own = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    printed = checkout / "printed"
    with printed.open("wb") as output:
        process = subprocess.Popen(
            [checkout / "script" / "server"],
            cwd="/",
            env=own | {"BIND": f"127.0.0.1:{port}"} | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + GIVE_UP_S
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        else:
            pytest.fail(printed.read_text())
        yield printed.read_text()
    finally:
        process.terminate()
        status = process.wait(GIVE_UP_S)
    assert status == 0


def key_in(text: str) -> str:
    return text.partition("API key: ")[2].partition("\n")[0]


def run_curl(text: str) -> dict[str, Any]:
    """Do what the printed curl command says and return the answer."""
    words = shlex.split(text[text.index("curl ") :].partition("\n\n")[0])
    address = urlsplit(words[1])
    headers = dict(word.split(": ") for word in words if ": " in word and "{" not in word)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=GIVE_UP_S)
    with contextlib.closing(connection):
        connection.request("POST", address.path, words[words.index("-d") + 1].encode(), headers)
        answer = connection.getresponse()
        body = answer.read()
    assert answer.status == 200, body
    return dict(json.loads(body))


def test_the_first_start_prints_a_command_and_the_key_stays_the_same_while_it_is_good(
    checkout, tmp_path
):
    shutil.rmtree(checkout / "var", ignore_errors=True)
    database = tmp_path / "elsewhere" / "own.sqlite3"
    url = f"sqlite:///{database}"
    with server(checkout, DATABASE_URL=url) as first:
        answer = run_curl(first)
    assert answer["choices"][0]["message"]["content"]
    kept = database.with_suffix(".dev_key")
    assert kept.stat().st_mode & 0o777 == 0o600
    with server(checkout, DATABASE_URL=url) as second:
        pass
    assert key_in(first) == key_in(second) == kept.read_text().strip()
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE accounts_apikey SET revoked_at = created_at")
        connection.commit()
    with server(checkout, DATABASE_URL=url) as third:
        run_curl(third)
    assert key_in(third) != key_in(first)
    assert not (checkout / "var").exists()


def test_a_public_service_gets_no_developers_key(checkout):
    shutil.rmtree(checkout / "var", ignore_errors=True)
    public = {
        "PUBLIC_URL": "https://api.example.ru",
        "SECRET_KEY": "0123456789" * 6,
        "EMAIL_URL": "smtp://mail.example.ru:25",
    }
    with server(checkout, **public) as text:
        assert "xr-live-" not in text
    assert not (checkout / "var" / "xrouter.dev_key").exists()


def test_a_port_in_use_is_one_line_with_what_to_set(checkout):
    own = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = subprocess.run(
            [checkout / "script" / "server"],
            env=own | {"BIND": "127.0.0.1", "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith(f"Port {port} is in use")
    assert "PORT=" in line


def test_an_address_of_another_machine_is_one_line_too(checkout):
    own = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    done = subprocess.run(
        [checkout / "script" / "server"],
        env=own | {"BIND": "192.0.2.1", "PORT": "1024"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    [line] = (done.stdout + done.stderr).splitlines()
    assert "192.0.2.1:1024" in line
    assert "BIND" in line


def test_the_environment_wins_over_the_file(checkout):
    (checkout / ".env").write_text("PORT=1\nBIND='127.0.0.1'\nPUBLIC_URL=http://api.example.ru\n")
    try:
        with server(checkout) as text:
            assert key_in(text)
    finally:
        (checkout / ".env").unlink()


@pytest.mark.parametrize("user_id", [0, 1000])
def test_a_machine_without_a_browser_and_a_pooler_gets_them_or_is_told(checkout, tmp_path, user_id):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "dirname", "cmp", "cp"):
        (programs / name).symlink_to(str(shutil.which(name)))
    asked = tmp_path / "asked"
    for name, line in (
        ("id", f"echo {user_id}"),
        ("apt-get", f'echo "$@" >>{asked}; : >{programs}/chromium; {CHMOD} +x {programs}/chromium'),
    ):
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    done = subprocess.run(
        [checkout / "script" / "bootstrap", "--dev"],
        env={"PATH": str(programs), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    if user_id == 0:
        assert "install -y --no-install-recommends chromium pgbouncer" in asked.read_text()
        assert "need Chromium" not in done.stderr
    else:
        assert not asked.exists()
        assert "apt-get install chromium" in done.stderr
