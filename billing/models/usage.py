"""The tables of usage by day, and of how far generations are aggregated into it."""

import uuid
from datetime import date
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

NO_ID = uuid.UUID(int=0)
"""Below every generation's id."""


class UsageDay(models.Model):
    """What one credential used of one model on one day in Moscow.

    It sums the generations whose id is below the watermark. `cost_nano` is what the account paid.
    """

    account = models.ForeignKey(
        "accounts.Account", on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    day = models.DateField()
    credential_kind = models.CharField(max_length=7)
    credential_id = models.BigIntegerField()
    model_id = models.TextField()
    requests = models.BigIntegerField()
    errors = models.BigIntegerField()
    tokens_prompt = models.BigIntegerField()
    tokens_completion = models.BigIntegerField()
    tokens_cached = models.BigIntegerField()
    cost_nano = models.BigIntegerField()
    upstream_cost_nano = models.BigIntegerField()

    class Meta:
        verbose_name = _("day of usage")
        verbose_name_plural = _("days of usage")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="usage_of_a_day", fields=["day"])
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                name="one_row_a_day_credential_and_model",
                fields=["account", "day", "credential_kind", "credential_id", "model_id"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.credential_kind} {self.credential_id} on {self.day}: {self.model_id}"


class UsageWatermark(models.Model):
    """How far usage is aggregated, and since when generations are kept; one row.

    Generations with ids below `counted_until` are in UsageDay. Those below `kept_from` may be deleted;
    `kept_day` is the first day that is complete.
    """

    counted_until = models.UUIDField(default=NO_ID)
    kept_from = models.UUIDField(default=NO_ID)
    kept_day = models.DateField(default=date.min)

    def __str__(self) -> str:
        return f"counted until {self.counted_until}"
