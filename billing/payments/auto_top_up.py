"""Automatic top-ups: when a balance falls below its threshold, one payment with the saved method."""

import time
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.audit import log
from accounts.audit.log import Action
from accounts.users import check_not_suspended
from billing.errors import InvalidAmount, NoSavedMethod, NoShop, PaymentProviderAway
from billing.ledger import balances
from billing.models import AutoTopUp as AutoTopUp
from billing.models import Payment
from billing.payments import operator_notice, saved_methods, shop_faults, top_ups, yookassa
from billing.payments.yookassa import PaymentRefused, UnknownPayment
from infra.credits import NANO_PER_CREDIT, credits_text
from infra.moscow_time import midnight, moscow_day

LEAST_AMOUNT_ROUBLES = 100
"""So that a busy account is not charged by the minute."""
ASKED_AGAIN_AFTER = timedelta(seconds=30)
UNANSWERED_FOR = timedelta(hours=23)
"""A key repeats a payment for 24 hours: https://yookassa.ru/developers/using-api/interaction-format"""
TIME_BUDGET_S = 15.0


CONSENT = gettext_lazy(
    "I agree that XRouter charges the saved payment method by these terms, without asking me each time,"
    " until I turn this off or remove the method."
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an owner agrees to: below `threshold_nano`, pay `amount_nano`, `month_cap_nano` a month at most."""

    threshold_nano: int
    amount_nano: int
    month_cap_nano: int


def of(account_id: int) -> AutoTopUp | None:
    """Return the account's saved method with its terms, None where it has none."""
    return AutoTopUp.objects.filter(pk=account_id).first()


def spent_this_month_nano(account_id: int) -> int:
    """Return what automatic payments took, or may have taken, in this month of Moscow's."""
    since = midnight(moscow_day(timezone.now()).replace(day=1))
    payments = Payment.objects.filter(account=account_id, created_at__gte=since)
    counted = payments.exclude(method_id="").exclude(
        ~Q(cancellation_reason=saved_methods.UNANSWERED), status=Payment.Status.CANCELED
    )
    return counted.aggregate(nano=Sum("amount_nano"))["nano"] or 0


def is_within_cap(saved: AutoTopUp) -> bool:
    """Say whether this month has room for one more payment."""
    spent_nano = spent_this_month_nano(saved.pk)
    return spent_nano + (saved.amount_nano or 0) <= (saved.month_cap_nano or 0)


def turn_on(account_id: int, terms: Terms) -> None:
    """Pay by these terms from now on, which the owner has agreed to in the language of this thread.

    Raises NoSavedMethod, InvalidAmount, AccountSuspended.
    """
    _check(terms)
    with transaction.atomic():
        check_not_suspended(account_id)
        saved = AutoTopUp.objects.select_for_update().filter(pk=account_id).first()
        if saved is None:
            raise NoSavedMethod("No payment method is saved.")
        saved.threshold_nano, saved.amount_nano = terms.threshold_nano, terms.amount_nano
        saved.month_cap_nano = terms.month_cap_nano
        saved.is_on, saved.declines, saved.retry_at = True, 0, None
        saved.last_decline, saved.declined_at = "", None
        saved.language, saved.consent = get_language() or "", str(CONSENT)
        saved.consented_at = timezone.now()
        saved.save()
        log.record(
            Action.ENABLE,
            saved,
            detail={
                "threshold": credits_text(terms.threshold_nano),
                "amount": credits_text(terms.amount_nano),
                "month_cap": credits_text(terms.month_cap_nano),
                "consent": saved.consent,
            },
        )


def turn_off(account_id: int) -> None:
    """Pay nothing more by itself; the method stays saved."""
    with transaction.atomic():
        found = AutoTopUp.objects.filter(pk=account_id, is_on=True)
        saved = found.select_for_update().first()
        if saved is not None:
            found.update(is_on=False)
            log.record(Action.DISABLE, saved)


def forget_method(account_id: int) -> None:
    """Remove the saved method: its id at the shop, without which nobody can charge it."""
    with transaction.atomic():
        saved = AutoTopUp.objects.select_for_update().filter(pk=account_id).first()
        if saved is not None:
            log.record(Action.DELETE, saved)
            saved.delete()


def run_due() -> int:
    """Make the payments that are due, and repeat those that had no answer; return how many were asked for.

    Raises django.db.Error.
    """
    if not top_ups.is_configured():
        return 0
    asked, end_s = 0, time.monotonic() + TIME_BUDGET_S
    for payment in _unanswered():
        _pay(payment)
        asked += 1
        if time.monotonic() > end_s:
            return asked
    low = _chargeable().filter(
        Q(retry_at=None) | Q(retry_at__lte=timezone.now()),
        Q(account__credits=None) | Q(account__credits__posted_nano__lt=F("threshold_nano")),
    )
    for account_id in list(low.order_by("pk").values_list("pk", flat=True)):
        begun = _begin(account_id)
        if begun is not None:
            _pay(begun)
            asked += 1
        if time.monotonic() > end_s:
            break
    return asked


def _begin(account_id: int) -> Payment | None:
    """Write down the payment that is due, before the shop is asked; None where none is, or may be made."""
    with transaction.atomic():
        locked = _chargeable().select_for_update(of=("self",))
        saved = locked.filter(pk=account_id).first()
        if saved is None:
            return None
        mine = Payment.objects.filter(account=account_id).exclude(method_id="")
        # The payment before the balance: one that ends between the two has credited what is read then.
        if mine.filter(status=Payment.Status.PENDING).exists() or not _is_due(saved):
            return None
        payment = Payment.objects.create(
            account_id=account_id, amount_nano=saved.amount_nano or 0, method_id=saved.method_id
        )
        log.write(Action.ADD, [payment], detail={"credits": credits_text(payment.amount_nano)})
    return payment


def _chargeable() -> QuerySet[AutoTopUp]:
    """Return what is on, of accounts that may spend."""
    return AutoTopUp.objects.filter(
        is_on=True, account__suspended_at=None, account__owner__is_active=True
    )


def _is_due(saved: AutoTopUp) -> bool:
    """Say whether a payment is due and within the cap."""
    if saved.retry_at is not None and saved.retry_at > timezone.now():
        return False
    if balances.exact(saved.pk).posted_nano >= (saved.threshold_nano or 0):
        return False
    return is_within_cap(saved)


def _pay(payment: Payment) -> None:
    """Ask the shop to charge the saved method; the same payment, however often it is asked."""
    try:
        created = yookassa.charge(
            top_ups.roubles_of(payment),
            method_id=payment.method_id,
            description=top_ups.description_of(payment),
            idempotence_key=payment.idempotence_key,
            email=payment.account.owner.email,
        )
        Payment.objects.filter(pk=payment.pk, provider_id=None).update(provider_id=created.id)
        payment.refresh_from_db()
        top_ups.refresh(payment)
    except (PaymentRefused, UnknownPayment) as error:
        if payment.provider_id is None:
            _refused(payment, error)
    except (PaymentProviderAway, NoShop) as error:
        shop_faults.away(error)
        if payment.provider_id is None and timezone.now() - payment.created_at > UNANSWERED_FOR:
            _give_up(payment)


def _refused(payment: Payment, error: PaymentProviderAway) -> None:
    """End a payment that the shop would not make."""
    is_method = isinstance(error, UnknownPayment) or (
        isinstance(error, PaymentRefused) and error.parameter == "payment_method_id"
    )
    reason = saved_methods.METHOD_REFUSED if is_method else saved_methods.REFUSED
    with transaction.atomic():
        if _cancel(payment, reason):
            saved_methods.declined(payment)
            if not is_method:
                operator_notice.tell(f"The shop refuses the automatic payment {payment}: {error}")


def _give_up(payment: Payment) -> None:
    """End a payment that no answer came to while its key held, and turn off what made it."""
    with transaction.atomic():
        if _cancel(payment, saved_methods.UNANSWERED):
            saved_methods.declined(payment)
            operator_notice.tell(
                f"The automatic payment {payment} had no answer for a day. Look at the shop whether"
                " it was made: its metadata bears this key."
            )


def _cancel(payment: Payment, reason: str) -> bool:
    mine = Payment.objects.filter(pk=payment.pk, provider_id=None, status=Payment.Status.PENDING)
    is_mine = bool(mine.update(status=Payment.Status.CANCELED, cancellation_reason=reason))
    payment.refresh_from_db()
    return is_mine


def _unanswered() -> list[Payment]:
    """Claim the payments that the shop was asked for and gave no id to."""
    now = timezone.now()
    due = Payment.objects.filter(
        status=Payment.Status.PENDING, provider_id=None, asked_at__lte=now - ASKED_AGAIN_AFTER
    ).exclude(method_id="")
    waiting = list(due.order_by("asked_at")[:100])
    return [payment for payment in waiting if due.filter(pk=payment.pk).update(asked_at=now)]


def _check(terms: Terms) -> None:
    """Raise InvalidAmount unless the terms can be kept."""
    top_ups.check_amount(terms.amount_nano)
    if terms.amount_nano < LEAST_AMOUNT_ROUBLES * NANO_PER_CREDIT:
        raise InvalidAmount(
            _("An automatic top-up is of %(least)s roubles at least.")
            % {"least": number_format(LEAST_AMOUNT_ROUBLES, decimal_pos=0)}
        )
    most_nano = top_ups.MOST_ROUBLES * NANO_PER_CREDIT
    if not 0 < terms.threshold_nano <= most_nano:
        raise InvalidAmount(_("The balance to watch for is above zero, and below a million."))
    if not terms.amount_nano <= terms.month_cap_nano <= most_nano:
        raise InvalidAmount(
            _("The most of a month is at least one top-up, and a million roubles at most.")
        )
