"""Refunds at the shop: each is taken back from the balance once, by what the provider itself says."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Sum
from django.utils import timezone

from billing.errors import MoneyStoreUnavailable, PaymentProviderAway
from billing.ledger import ledger
from billing.models import Payment, PaymentRefund
from billing.payments import operator_notice, top_ups, yookassa
from billing.payments.yookassa import ProviderRefund, UnknownPayment
from infra.credits import MAX_AMOUNT_NANO, NANO_PER_CREDIT

LOOKED_BACK = timedelta(days=30)


def follow(payment: Payment, refund_id: str) -> PaymentRefund | None:
    """Ask the provider for a refund of this payment, and take it back once; None where there is none.

    Raises NoShop, PaymentProviderAway, MoneyStoreUnavailable.
    """
    try:
        found = yookassa.fetch_refund(refund_id)
    except UnknownPayment:
        return None
    return take_back(found) if found.payment_id == payment.provider_id else None


def left_nano(payment: Payment) -> int:
    """Return what of a payment was credited and is not given back. Raises django.db.Error."""
    if payment.status != Payment.Status.SUCCEEDED:
        return 0
    taken_nano = payment.refunds.filter(entry__isnull=False).aggregate(nano=Sum("amount_nano"))
    return payment.amount_nano - (taken_nano["nano"] or 0)


def give_back(payment: Payment, amount_nano: int, *, key: UUID) -> PaymentRefund | None:
    """Have the shop give back a part of a payment, and take it from the balance; once for each key.

    None where the shop has taken the order and not carried it out yet: its notice, or the next look for
    missed refunds, books it. Raises NoShop, PaymentProviderAway, MoneyStoreUnavailable.
    """
    found = yookassa.create_refund(
        str(payment.provider_id),
        Decimal(amount_nano) / NANO_PER_CREDIT,
        description=f"XRouter: {payment}",
        idempotence_key=key,
        email=payment.account.owner.email,
    )
    if found.status == "canceled":
        raise PaymentProviderAway("The shop has cancelled the refund.")
    return take_back(found)


def find_missed() -> int:
    """Take back the refunds of the last month that no notice told of; return how many there were.

    Raises PaymentProviderAway, MoneyStoreUnavailable; the former after the others are taken back, where the
    shop does not answer for a refund's payment.
    """
    if not yookassa.is_configured():
        return 0
    known = set(PaymentRefund.objects.values_list("provider_id", flat=True))
    found = [
        refund
        for refund in yookassa.refunds_since(timezone.now() - LOOKED_BACK)
        if refund.id not in known
    ]
    taken, failure = 0, None
    for refund in found:
        try:
            taken += take_back(refund) is not None
        except PaymentProviderAway as error:
            failure = error
    if failure is not None:
        raise failure
    return taken


def take_back(found: ProviderRefund) -> PaymentRefund | None:
    """Take back a refund that has succeeded, of a payment that was credited; None for any other.

    Raises NoShop, PaymentProviderAway, MoneyStoreUnavailable.
    """
    try:
        payment = top_ups.find(found.payment_id)
        if payment is None or found.status != "succeeded":
            return None
        payment = top_ups.refresh(payment)  # it may have been given back before it was credited
        if payment.status != Payment.Status.SUCCEEDED:
            return None
        with transaction.atomic():
            return _book(Payment.objects.select_for_update().get(pk=payment.pk), found)
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error


def _book(payment: Payment, found: ProviderRefund) -> PaymentRefund:
    known = PaymentRefund.objects.filter(provider_id=found.id).first()
    if known is not None:
        return known
    amount = found.amount * NANO_PER_CREDIT
    amount_nano = int(amount) if amount.is_finite() and abs(amount) <= MAX_AMOUNT_NANO else 0
    refund = PaymentRefund(payment=payment, provider_id=found.id, amount_nano=amount_nano)
    is_covered = 0 < amount_nano <= left_nano(payment)
    if found.currency != "RUB" or amount_nano != amount or not is_covered:
        refund.note = f"It is of {found.amount} {found.currency}, more than is left of the payment."
        operator_notice.tell(
            f"The refund {refund} of payment {payment} is not booked: {refund.note}"
        )
    else:
        refund.entry_id = ledger.take_back(
            payment.account_id, amount_nano, refund_id=found.id, reason=f"YooKassa: {payment}"
        ).entry_id
    refund.save(force_insert=True)
    return refund
