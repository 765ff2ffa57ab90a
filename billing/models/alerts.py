"""The table of low-balance alerts."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class LowBalanceAlert(models.Model):
    """An account wants a mail when its posted balance falls below `threshold_nano`.

    `armed` until the mail is sent; a process that is sending it sets `claimed_at`.
    """

    account = models.OneToOneField(
        "accounts.Account", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    threshold_nano = models.BigIntegerField()
    armed = models.BooleanField(default=True)
    claimed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("low-balance alert")
        verbose_name_plural = _("low-balance alerts")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="alert_threshold_is_positive", condition=Q(threshold_nano__gt=0)
            )
        ]

    def __str__(self) -> str:
        return str(self.account)
