"""The e-mail that a balance runs low: one each time that it falls below what the account chose."""

import datetime as dt
import logging
from smtplib import SMTPException
from typing import ClassVar

from django.conf import settings
from django.core.mail import send_mail
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.pricing import credits_text

CLAIM = dt.timedelta(minutes=5)
"""Who has not sent a mail after so long is dead."""

logger = logging.getLogger(__name__)


class LowBalanceAlert(models.Model):
    """An account's wish to be told when its posted balance is below `threshold_nano`.

    It is armed until it has been told; from `claimed_at` on some process is about to.
    """

    account = models.OneToOneField(
        "accounts.Account", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    threshold_nano = models.BigIntegerField()
    armed = models.BooleanField(default=True)
    claimed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = gettext_lazy("low-balance alert")
        verbose_name_plural = gettext_lazy("low-balance alerts")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="alert_threshold_is_positive", condition=Q(threshold_nano__gt=0)
            )
        ]

    def __str__(self) -> str:
        return str(self.account)


def threshold_nano(account_id: int) -> int | None:
    """Return what the account chose, None where it wants no mail."""
    alert = LowBalanceAlert.objects.filter(account=account_id).first()
    return alert.threshold_nano if alert else None


def choose(account_id: int, threshold_nano: int | None) -> None:
    """Choose the threshold, above zero; None ends the mails. A balance below it now is told of once."""
    alerts = LowBalanceAlert.objects
    if threshold_nano is None:
        alerts.filter(account=account_id).delete()
        return
    new = {"threshold_nano": threshold_nano, "armed": True, "claimed_at": None}
    alerts.update_or_create(account_id=account_id, defaults=new)


def send_due() -> int:
    """Mail the accounts whose balance has fallen below, arm again those whose balance has risen.

    Return how many mails went. A mail that cannot be sent is tried again. Raises django.db.Error.
    """
    alerts = LowBalanceAlert.objects.select_related("account__owner", "account__credits")
    balance = "account__credits__posted_nano"
    risen = alerts.filter(armed=False, **{f"{balance}__gte": F("threshold_nano")})
    LowBalanceAlert.objects.filter(pk__in=list(risen.values_list("pk", flat=True))).update(
        armed=True
    )
    free = Q(claimed_at=None) | Q(claimed_at__lt=Now() - CLAIM)
    low = alerts.filter(free, armed=True, **{f"{balance}__lt": F("threshold_nano")})
    sent = 0
    for alert in low:
        mine = LowBalanceAlert.objects.filter(pk=alert.pk, armed=True)
        if not mine.filter(free).update(claimed_at=Now()):
            continue
        try:
            _send(alert)
        except (OSError, SMTPException) as error:
            logger.warning("The mail to account %s was not sent: %s", alert.pk, error)
            mine.update(claimed_at=None)
            continue
        mine.update(armed=False, claimed_at=None)
        sent += 1
    return sent


def _send(alert: LowBalanceAlert) -> None:
    balance = credits_text(alert.account.credits.posted_nano)
    text = _(
        "The balance of %(account)s is %(balance)s credits, below the %(threshold)s that you chose"
        " to be told of.\n\nTop it up: %(url)s\n"
    ) % {
        "account": alert.account.name,
        "balance": balance,
        "threshold": credits_text(alert.threshold_nano),
        "url": f"{settings.PUBLIC_URL}/cabinet/billing/",
    }
    subject = _("XRouter: %(balance)s credits are left") % {"balance": balance}
    send_mail(subject, text, None, [alert.account.owner.email])
