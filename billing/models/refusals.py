"""The table of requests to models that were refused before anything was held for them."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.models.ledger import CredentialKind


class Refusal(models.Model):
    """One refused request. Its id is a UUIDv7 as a generation's, so that both lists are one by time.

    Neither texts nor values of the request are stored: `param` is the name of the field that was wrong.
    """

    id = models.UUIDField(_("id"), primary_key=True)
    account = models.ForeignKey(
        "accounts.Account",
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
        verbose_name=_("account"),
    )
    credential_kind = models.CharField(_("sent with"), max_length=7, choices=CredentialKind.choices)
    credential_id = models.BigIntegerField(_("credential"))
    is_test = models.BooleanField(_("test key"))
    created_at = models.DateTimeField(_("time"))
    path = models.TextField(_("path"))
    requested_model = models.TextField(_("asked for"))
    status = models.PositiveSmallIntegerField(_("status"))
    code = models.TextField(_("error code"))
    param = models.TextField(_("field"))
    request_id = models.TextField(_("id of the HTTP request"))
    duration_ms = models.BigIntegerField(_("time, ms"))

    class Meta:
        verbose_name = _("refused request")
        verbose_name_plural = _("refused requests")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="refusals_of_an_account", fields=["account", "-id"])
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.code}"
