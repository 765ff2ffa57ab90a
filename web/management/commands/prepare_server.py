"""What a server needs before it starts: a free address, the schema and, for a developer, a key."""

import errno
import shlex
import socket
import sys
from argparse import ArgumentParser
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from accounts.errors import AccountSuspended, InvalidCredential, KeyFrozen
from accounts.keys import bearer
from gateway.pipeline.admission.access import served_to

EVERYWHERE = ("0.0.0.0", "[::]", "127.0.0.1", "[::1]")  # noqa: S104 -- addresses to which localhost leads
FIRST_REQUEST = """
API key: {key}

curl {address}/v1/chat/completions \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Привет!"}}]}}'
"""


class Command(BaseCommand):
    """All of it in one process, because loading the project takes longer than the work."""

    requires_system_checks = ()  # they load every page, which takes a second
    help = "Check that the address is free, migrate, and say how to send the first request."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--any-address", action="store_true", help="gunicorn is told to listen elsewhere"
        )

    def handle(self, *args: Any, any_address: bool, **options: Any) -> None:
        if not any_address:
            _check_is_free(settings.BIND)
        call_command("migrate", verbosity=0, stderr=self.stderr)
        # Only the embedded database is the developer's own: no other is given a key unasked.
        if connection.vendor == "sqlite" and settings.PUBLIC_URL.startswith("http:"):
            text = FIRST_REQUEST.format(key=_key(), address=_address(settings.BIND), model=_model())
        else:
            text = "A key: .venv/bin/python manage.py issue_key EMAIL"
        self.stdout.write(text)


def _check_is_free(bind: str) -> None:
    """Exit with one line where it cannot be listened on: gunicorn would try five times, a line each."""
    if bind.startswith("unix:"):
        return
    host, _, port = bind.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), int(port)))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sys.exit(
                f"Port {port} is in use: stop what listens there, or set PORT to a free one:"
                f" PORT={int(port) % 65535 + 1} script/server"
            )
        sys.exit(
            f"{bind} cannot be listened on ({error.strerror}): set BIND and PORT to an address of this machine."
        )


def _address(bind: str) -> str:
    """Return where curl on this machine finds a server that listens there."""
    if bind.startswith("unix:"):
        return f"--unix-socket {shlex.quote(bind.removeprefix('unix:'))} http://localhost"
    host, _, port = bind.rpartition(":")
    return f"http://{'localhost' if host in EVERYWHERE else host}:{port}"


def _key() -> str:
    """Return the key of the developer that is kept in a file, while it is good, or a new one."""
    file = Path(str(connection.settings_dict["NAME"])).with_suffix(".dev_key")  # of this database
    try:
        kept = file.read_text().strip()
        bearer.authenticate(f"Bearer {kept}")
    except (OSError, ValueError, InvalidCredential, AccountSuspended, KeyFrozen):
        return _new_key(file)
    return kept


def _new_key(file: Path) -> str:
    printed = StringIO()
    call_command(
        *("issue_key", "developer@example.com", "--name", "development", "--credits", "100"),
        stdout=printed,
    )
    key = printed.getvalue().strip()
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(f"{key}\n")
    return key


def _model() -> str:
    """Return a model that is served: a free one, where there is any."""
    found = [model for model in served_to(None).models() if model.kind == "chat"]
    found.sort(key=lambda model: not model.is_free)
    return found[0].id if found else "xrouter/auto"
