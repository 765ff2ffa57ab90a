"""Read the operators' journal from its beginning and say whether anybody has touched it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.audit import AuditEntry, first_break


class Command(BaseCommand):
    """manage.py check_journal"""

    help = "Check the seals of the journal; fail at the first entry that is not as it was written."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = first_break()
        if broken is not None:
            raise CommandError(f"Entry {broken} was changed, or one before it is missing.")
        last = AuditEntry.objects.order_by("-id").first()
        self.stdout.write(
            f"The journal is whole; its last digest is {last.digest if last else '-'}."
        )
