"""The table of mails about models that end: whom was told of which end."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class EndNotice(models.Model):
    """One mail to one account about one model and its last day. Until it is sent, `sent_at` is null."""

    model = models.ForeignKey(
        "gateway.LanguageModel", on_delete=models.CASCADE, related_name="+", verbose_name=_("model")
    )
    account = models.ForeignKey(
        "accounts.Account", on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    ends_on = models.DateField()
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "gateway"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                name="one_notice_an_account_and_end", fields=["account", "model", "ends_on"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.model_id}, {self.ends_on}: {self.account_id}"
