"""Check the books, and fail when they do not add up."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from billing.audit import find_drift


class Command(BaseCommand):
    """Print every drift on the standard output; the exit status is 1 when there is any."""

    help = "Compute every balance again from its rows, and fail when one is wrong."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            _see_one_moment()
            drifts = list(find_drift())
        for drift in drifts:
            self.stdout.write(str(drift))
        if drifts:
            raise CommandError(f"The books do not add up: {len(drifts)} drifts.")
        self.stdout.write("The books add up: drift 0.")


def _see_one_moment() -> None:
    """Let all the rules see the same snapshot; SQLite lets nobody write meanwhile."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '10min'")
            if not connection.savepoint_ids:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
