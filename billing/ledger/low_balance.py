"""Low-balance e-mails: one each time a balance falls below the threshold of its account."""

from functools import partial

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.models import LowBalanceAlert
from infra.claimed_mail import send_claimed
from infra.rouble_text import rounded_roubles


def threshold_nano(account_id: int) -> int | None:
    """Return the account's threshold, None where it wants no mail."""
    alert = LowBalanceAlert.objects.filter(account=account_id).first()
    return alert.threshold_nano if alert else None


def choose(account_id: int, threshold_nano: int | None) -> None:
    """Set the threshold, above zero; None ends the mails. A balance already below it gets one mail."""
    alerts = LowBalanceAlert.objects
    if threshold_nano is None:
        alerts.filter(account=account_id).delete()
        return
    new = {"threshold_nano": threshold_nano, "armed": True, "claimed_at": None}
    alerts.update_or_create(account_id=account_id, defaults=new)


def send_due() -> int:
    """Mail the accounts whose balance has fallen below, re-arm those whose balance has risen.

    Return how many mails were sent. One that cannot be sent is tried again next time. Raises django.db.Error.
    """
    alerts = LowBalanceAlert.objects.select_related("account__owner", "account__credits")
    balance = "account__credits__posted_nano"
    risen = alerts.filter(armed=False, **{f"{balance}__gte": F("threshold_nano")})
    LowBalanceAlert.objects.filter(pk__in=list(risen.values_list("pk", flat=True))).update(
        armed=True
    )
    return sum(map(_tell, alerts.filter(armed=True, **{f"{balance}__lt": F("threshold_nano")})))


def _tell(alert: LowBalanceAlert) -> bool:
    """Send one mail, unless another process is about to; say whether it was sent."""
    due = LowBalanceAlert.objects.filter(pk=alert.pk, armed=True)
    return send_claimed(
        due, partial(_send, alert), account_id=alert.account_id, sent={"armed": False}
    )


def _send(alert: LowBalanceAlert) -> None:
    with override(alert.account.owner.mail_language):
        balance = rounded_roubles(alert.account.credits.posted_nano)
        text = _(
            "The balance of %(account)s is %(balance)s, below the %(threshold)s that you chose"
            " to be told of.\n\nTop it up: %(url)s\n"
        ) % {
            "account": alert.account.name,
            "balance": balance,
            "threshold": rounded_roubles(alert.threshold_nano),
            "url": f"{settings.PUBLIC_URL}/cabinet/billing/",
        }
        subject = _("XRouter: %(balance)s left") % {"balance": balance}
    send_mail(subject, text, None, [alert.account.owner.email])
