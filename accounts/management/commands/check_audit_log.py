"""Check the hash chain of the audit log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.audit.log import AuditEntry, first_break


class Command(BaseCommand):
    """manage.py check_audit_log"""

    help = "Check the hash chain of the audit log; fail at the first entry that is not as it was written."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = first_break()
        if broken is not None:
            raise CommandError(f"Entry {broken} was changed, or one before it is missing.")
        last = AuditEntry.objects.order_by("-id").first()
        self.stdout.write(
            f"The audit log is whole; its last digest is {last.digest if last else '-'}."
        )
