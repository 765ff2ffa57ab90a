"""Django's commands, which say in one line where the database is not what they need."""

import contextlib
import gc
import logging
import sys

from django.core.management import BaseCommand, CommandError, ManagementUtility
from django.db import DatabaseError, OperationalError

from infra.own_connection import own_connection
from infra.usable_database import demand_usable, is_migrated

INTERRUPTED = 130
"""What a shell answers for a command that Ctrl+C has ended."""


class _CommandLine(ManagementUtility):
    """Loads the project without the garbage collector, which would go through it again and again."""

    def execute(self) -> None:
        gc.disable()
        super().execute()

    def fetch_command(self, subcommand: str) -> BaseCommand:
        gc.freeze()
        gc.enable()
        return super().fetch_command(subcommand)


def execute(arguments: list[str]) -> None:
    """Execute a command; where it fails of the database itself, exit with what is to be done."""
    if any("\udc80" <= letter <= "\udcff" for letter in "".join(arguments)):
        sys.exit(f"CommandError: an argument is not in UTF-8: {arguments[1:]!a}")
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # many lines of the same
    try:
        _CommandLine(arguments).execute()
    except DatabaseError as error:
        with contextlib.closing(own_connection()) as own:
            try:
                demand_usable(own)
            except CommandError as fault:
                sys.exit(f"CommandError: {fault}")
            name = "".join(arguments[1:2])
            if name != "migrate" and not is_migrated(own):  # it is no remedy for itself
                sys.exit("CommandError: the database is older than the code: manage.py migrate")
            if isinstance(error, OperationalError):
                sys.exit(f"CommandError: {name} failed: {' '.join(str(error).split())}")
        raise
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
