"""Check the ledger, and fail when it does not add up."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.ledger import audit


class Command(BaseCommand):
    """manage.py audit_ledger [--new]: print every drift; the exit status is 1 when there is any."""

    help = "Compute every balance again from its rows, and fail when one is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--new",
            action="store_true",
            help="read what is new since the last audit, unless a whole one is due: once a week, and"
            " after one that found drift",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        since = audit.checkpoint_to_go_on_from() if options["new"] else None
        drifts = audit.run(since)
        for drift in drifts:
            self.stdout.write(str(drift))
        if drifts:
            raise CommandError(f"The books do not add up: {len(drifts)} drifts.")
        what = f" since entry {since.until_entry}" if since else ""
        self.stdout.write(f"The books add up{what}: drift 0.")
