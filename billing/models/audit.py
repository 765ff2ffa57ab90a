"""The table of the ledger's audits."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class AuditCheckpoint(models.Model):
    """The ledger added up as far as `until_entry`; triggers refuse to change or delete it.

    `entries`, `sum_nano` and `digest` are of all entries up to that id: how many, the sum of their
    amounts, and the hash of their digests in order. No generation with an id below `generations_until`
    came later. `is_whole` says whether the audit read everything, or what was new alone.
    """

    until_entry = models.BigIntegerField()
    entries = models.BigIntegerField()
    sum_nano = models.BigIntegerField()
    digest = models.BinaryField()
    generations_until = models.UUIDField()
    is_whole = models.BooleanField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="checkpoint_counts_entries",
                condition=models.Q(entries__gte=0, until_entry__gte=0),
            )
        ]

    def __str__(self) -> str:
        return f"entry {self.until_entry}"
