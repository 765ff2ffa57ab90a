"""Saved payment methods: kept when a payment that asked for it succeeds, turned off where one is declined."""

from datetime import timedelta
from functools import partial

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from accounts.audit import log
from accounts.audit.log import Action
from billing.models import AutoTopUp, Payment
from billing.payments.yookassa import ProviderPayment
from infra import outbox
from infra.rouble_text import rounded_roubles

RETRIED_AFTER = timedelta(days=1)
MOST_DECLINES = 3
"""After so many in a row nothing more is tried."""

METHOD_REFUSED, REFUSED, UNANSWERED = "method_refused", "refused", "unanswered"
PAID_OTHERWISE = "paid_otherwise"
"""Our own reasons: the shop refused the method, or something else, or said nothing for a day, or took
something else than it was asked for."""
MENDS = frozenset(
    {
        *("general_decline", "insufficient_funds", "internal_timeout", "issuer_unavailable"),
        *("payment_method_limit_exceeded", REFUSED),
    }
)
"""Why a payment may be declined today and not tomorrow; any other reason stays.

https://yookassa.ru/developers/payment-acceptance/after-the-payment/declined-payments
"""
_WORDS: dict[str, str | Promise] = {
    "call_issuer": gettext_lazy("the bank asks you to call it"),
    "card_expired": gettext_lazy("the card has expired"),
    "fraud_suspected": gettext_lazy("the bank suspects fraud"),
    "insufficient_funds": gettext_lazy("there is not enough money on it"),
    "issuer_unavailable": gettext_lazy("the bank does not answer"),
    "internal_timeout": gettext_lazy("the payment service did not manage in time"),
    "payment_method_limit_exceeded": gettext_lazy("its limit is reached"),
    "payment_method_restricted": gettext_lazy("it is blocked"),
    "permission_revoked": gettext_lazy("the permission to charge it was withdrawn"),
    METHOD_REFUSED: gettext_lazy("the payment service no longer knows it"),
    REFUSED: gettext_lazy("the payment service refused"),
    UNANSWERED: gettext_lazy("the payment service did not answer"),
    PAID_OTHERWISE: gettext_lazy("it was charged otherwise than we asked for"),
}


def words_of(reason: str) -> str:
    """Return in words why a payment was declined."""
    return str(_WORDS.get(reason) or _("the bank gave no reason that we know"))


def charged_words_of(reason: str) -> str:
    """Return in words whether a payment that failed for this reason was charged."""
    if reason == UNANSWERED:
        return _("We cannot see whether it was charged, and look into it.")
    if reason == PAID_OTHERWISE:
        return _("What was charged is not on the balance: we look into it.")
    return _("Nothing was charged.")


def keep(payment: Payment, found: ProviderPayment) -> None:
    """Keep the method of a paid payment that asked for it. Call in the payment's transaction."""
    method = found.method
    if not payment.saves_method or method is None or not method.is_saved:
        return
    saved, _is_new = AutoTopUp.objects.update_or_create(
        account_id=payment.account_id,
        defaults={
            "method_id": method.id,
            "method_title": method.title,
            "saved_at": timezone.now(),
            **_AS_NEW,
        },
    )
    log.write(Action.ADD, [saved], detail={"payment": str(payment)})


def paid(payment: Payment) -> None:
    """Forget earlier declines. Call in the payment's transaction."""
    if payment.method_id:
        mine = AutoTopUp.objects.filter(pk=payment.account_id, method_id=payment.method_id)
        mine.update(**_AS_NEW)


def declined(payment: Payment) -> None:
    """Wait, or turn automatic top-ups off, and tell the owner. Call in the payment's transaction."""
    mine = AutoTopUp.objects.filter(pk=payment.account_id).exclude(method_id="")
    saved = mine.filter(method_id=payment.method_id).select_for_update().first()
    if saved is None:
        return
    now, reason = timezone.now(), payment.cancellation_reason
    saved.declines += 1
    saved.last_decline, saved.declined_at = reason, now
    saved.retry_at = now + RETRIED_AFTER
    saved.is_on = saved.is_on and reason in MENDS and saved.declines < MOST_DECLINES
    saved.save(update_fields=["declines", "last_decline", "declined_at", "retry_at", "is_on"])
    log.write(
        Action.CHANGE if saved.is_on else Action.DISABLE,
        [saved],
        detail={"payment": str(payment), "declined": reason, "declines": saved.declines},
    )
    transaction.on_commit(lambda: _tell(saved, payment), robust=True)


_AS_NEW = {"declines": 0, "last_decline": "", "declined_at": None, "retry_at": None}


def _tell(saved: AutoTopUp, payment: Payment) -> None:
    """Mail the owner that a payment was declined and what comes of it."""
    owner = payment.account.owner
    with override(owner.mail_language):
        subject = _("XRouter: the automatic top-up failed")
        text = _("The automatic top-up of %(amount)s failed: %(method)s, %(reason)s.") % {
            "amount": rounded_roubles(payment.amount_nano),
            "method": saved.method_title,
            "reason": words_of(payment.cancellation_reason),
        }
        then = (
            _("We will try again in a day.")
            if saved.is_on
            else _("Automatic top-ups are off now. Pay with another card and turn them on again.")
        )
        charged = charged_words_of(payment.cancellation_reason)
        page = f"{settings.PUBLIC_URL}/cabinet/billing/"
    body = f"{text} {charged}\n\n{then}\n\n{page}\n"
    mail = partial(send_mail, subject, body, None, [owner.email])
    outbox.send(f"to account {saved.pk} about a decline", mail)
