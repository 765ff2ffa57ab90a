"""Top-ups by card: started here, paid at YooKassa, and credited once when YooKassa confirms it."""

import logging
import random
import time
import uuid
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Count, Min
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.audit import log
from accounts.audit.log import Action
from accounts.users import check_not_suspended
from billing.errors import (
    InvalidAmount,
    MethodsNotSaved,
    MoneyStoreUnavailable,
    NoShop,
    PaymentProviderAway,
)
from billing.ledger import ledger
from billing.ledger.ledger import Movement
from billing.models import LedgerEntry
from billing.models import Payment as Payment
from billing.payments import operator_notice, saved_methods, shop_faults, yookassa
from billing.payments.yookassa import PaymentRefused, ProviderPayment, UnknownPayment
from infra.credits import NANO_PER_CREDIT, NANO_PER_KOPECK, credits_of

LEAST_ROUBLES, MOST_ROUBLES = 1, 1_000_000
TRIES, PAUSE_S = 3, 0.3
ASKED_AGAIN_AFTER_S = (20.0, 35.0)
TIME_BUDGET_S = 15.0
UNKNOWN_FOR = timedelta(days=1)
TEST_PAYMENT = "test-payment-"
"""The prefix of test payments' ids; the provider's own ids never have it."""

logger = logging.getLogger(__name__)


def is_configured() -> bool:
    """Say whether people can top up by card."""
    return yookassa.is_configured()


def offers_test_payments() -> bool:
    """Say whether test payments are offered: in development, where no shop is configured."""
    return bool(settings.DEBUG) and not is_configured()


def start(
    account_id: int,
    amount_nano: int,
    return_url: str,
    *,
    key: uuid.UUID | None = None,
    saves_method: bool = False,
) -> Payment:
    """Create a payment; people pay at its `confirmation_url`.

    The same `key` means the same payment, also after a failure. With `saves_method`, what they pay with
    is saved for automatic top-ups. Raises InvalidAmount, NoShop, MethodsNotSaved, PaymentProviderAway,
    AccountSuspended.
    """
    check_amount(amount_nano)
    check_not_suspended(account_id)
    if not is_configured():
        raise NoShop("No shop is configured.")
    payment, _is_new = Payment.objects.get_or_create(
        account_id=account_id,
        amount_nano=amount_nano,
        saves_method=saves_method,
        idempotence_key=key or uuid.uuid4(),
    )
    if payment.provider_id is not None:
        return payment
    mine = Payment.objects.filter(pk=payment.pk)
    try:
        created = _create(payment, return_url)
    except PaymentProviderAway as error:
        mine.filter(provider_id=None).update(status=Payment.Status.CANCELED)
        if not isinstance(error, PaymentRefused):
            shop_faults.away(error)
        elif saves_method:
            raise MethodsNotSaved("The shop saves no payment methods.") from error
        else:
            shop_faults.refused(error)
        raise
    shop_faults.made()
    mine.exclude(status__in=[Payment.Status.SUCCEEDED, Payment.Status.MISMATCHED]).update(
        provider_id=created.id,
        confirmation_url=created.confirmation_url,
        status=Payment.Status.PENDING,
    )
    payment.refresh_from_db()
    return payment


def pay_in_test(account_id: int, amount_nano: int, *, key: uuid.UUID) -> Movement:
    """Credit a test payment, once for each key.

    Raises InvalidAmount, AccountSuspended, and NoShop where no test payments are offered.
    """
    if not offers_test_payments():
        raise NoShop("No test payments are offered.")
    check_amount(amount_nano)
    check_not_suspended(account_id)
    with transaction.atomic():
        movement = ledger.top_up(
            account_id, amount_nano, payment_id=f"{TEST_PAYMENT}{key}", reason="Test payment"
        )
        if movement.is_new:
            log.record(Action.TEST_PAYMENT, LedgerEntry.objects.get(pk=movement.entry_id))
    return movement


def own(account_id: int, key: uuid.UUID) -> Payment | None:
    """Return the account's payment with this key, None for another account's."""
    return Payment.objects.filter(account=account_id, idempotence_key=key).first()


def latest(account_id: int, count: int | None = None) -> list[Payment]:
    """Return the account's payments, newest first: all of them, or the last `count`."""
    return list(Payment.objects.filter(account=account_id).order_by("-pk")[:count])


def find(provider_id: str) -> Payment | None:
    """Return the payment with this id at the provider. Raises MoneyStoreUnavailable."""
    try:
        return Payment.objects.filter(provider_id=provider_id).first()
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error


def refresh(payment: Payment) -> Payment:
    """Ask the provider for a payment's status, and credit it once when it is paid.

    Only the provider's own answer counts. A payment that differs from the one asked for is ended, not
    credited, and shown to the operator. Raises NoShop, PaymentProviderAway, MoneyStoreUnavailable.
    """
    if payment.provider_id is None or payment.is_over:
        return payment
    found = yookassa.fetch(payment.provider_id)
    try:
        return _take_over(payment, found)
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error


def pending() -> tuple[int, float]:
    """Return how many payments wait for the shop, and the oldest one's seconds. Raises django.db.Error."""
    number, since = (
        Payment.objects.filter(status=Payment.Status.PENDING)
        .aggregate(number=Count("pk"), since=Min("created_at"))
        .values()
    )
    return number, (timezone.now() - since).total_seconds() if since else 0.0


def poll_pending() -> int:
    """Refresh pending payments that were not refreshed recently; return how many were credited.

    Each is refreshed by one process. Raises django.db.Error.
    """
    if not is_configured():
        return 0
    credited = 0
    end_s = time.monotonic() + TIME_BUDGET_S
    while time.monotonic() < end_s and (payment := _claim()) is not None:
        try:
            credited += refresh(payment).status == Payment.Status.SUCCEEDED
        except UnknownPayment:
            _forget_unknown(payment)
        except PaymentProviderAway as error:
            shop_faults.away(error)
    return credited


def check_amount(amount_nano: int) -> None:
    """Raise InvalidAmount unless the amount is within the bounds and whole kopecks."""
    if not LEAST_ROUBLES * NANO_PER_CREDIT <= amount_nano <= MOST_ROUBLES * NANO_PER_CREDIT:
        raise InvalidAmount(
            _("A top-up is from %(least)s to %(most)s roubles.")
            % {
                "least": number_format(LEAST_ROUBLES, decimal_pos=0),
                "most": number_format(MOST_ROUBLES, decimal_pos=0, force_grouping=True),
            }
        )
    if amount_nano % NANO_PER_KOPECK:
        raise InvalidAmount(_("An amount has two decimal places at most."))


def _create(payment: Payment, return_url: str) -> ProviderPayment:
    """Create it at the provider; with the same key all attempts are one payment."""
    end_s = time.monotonic() + TIME_BUDGET_S
    for left in reversed(range(TRIES)):
        try:
            created = yookassa.create(
                roubles_of(payment),
                return_url=return_url,
                description=description_of(payment),
                idempotence_key=payment.idempotence_key,
                email=payment.account.owner.email,
                saves_method=payment.saves_method,
            )
            break
        except PaymentRefused:
            raise
        except PaymentProviderAway:
            if not left or time.monotonic() > end_s:
                raise
            time.sleep(PAUSE_S)
    if urlsplit(created.confirmation_url).scheme not in {"https", "http"}:
        raise PaymentProviderAway("The payment provider gives no page to pay at.")
    return created


def _take_over(payment: Payment, found: ProviderPayment) -> Payment:
    with transaction.atomic():
        locked = Payment.objects.select_for_update().get(pk=payment.pk)
        if locked.is_over:
            return locked
        if found.status == "succeeded" and found.is_paid:
            locked.note = _difference(locked, found)
            if locked.note:
                locked.status = Payment.Status.MISMATCHED
                operator_notice.tell(f"Payment {locked} is not credited: {locked.note}")
                if locked.method_id:  # else the same would be charged for again at once
                    locked.cancellation_reason = saved_methods.PAID_OTHERWISE
                    saved_methods.declined(locked)
            else:
                movement = ledger.top_up(
                    locked.account_id, locked.amount_nano, payment_id=found.id, reason="YooKassa"
                )
                locked.entry_id, locked.status = movement.entry_id, Payment.Status.SUCCEEDED
                saved_methods.keep(locked, found)
                saved_methods.paid(locked)
        elif found.status == "canceled" and locked.status != Payment.Status.CANCELED:
            locked.status = Payment.Status.CANCELED
            locked.cancellation_reason = found.cancellation_reason
            saved_methods.declined(locked)
        locked.save(update_fields=["status", "entry", "note", "cancellation_reason"])
    return locked


def _difference(payment: Payment, found: ProviderPayment) -> str:
    """Return how a paid payment differs from the one asked for; empty where it does not."""
    shop_id = yookassa.shop_id()
    if found.currency != "RUB" or found.amount != roubles_of(payment):
        return f"it is of {found.amount} {found.currency}, not {roubles_of(payment)} RUB"
    # The shop's own secret has fetched it, so that one that names no shop is the shop's.
    if found.shop_id not in {"", shop_id}:
        return f"it is of the shop {found.shop_id}, not {shop_id}"
    if found.key not in {"", str(payment.idempotence_key)}:
        return f"its metadata names {found.key}, not {payment.idempotence_key}"
    return ""


def description_of(payment: Payment) -> str:
    """Return what the shop and its receipt call the payment."""
    return f"XRouter: {payment.account_id}"


def roubles_of(payment: Payment) -> Decimal:
    return credits_of(payment.amount_nano).quantize(Decimal("0.01"))


def _claim() -> Payment | None:
    """Claim the pending payment that waits longest, so that no other process refreshes it."""
    now = timezone.now()
    waits_s = random.uniform(*ASKED_AGAIN_AFTER_S)  # noqa: S311
    due = Payment.objects.filter(
        status=Payment.Status.PENDING,
        provider_id__isnull=False,
        asked_at__lte=now - timedelta(seconds=waits_s),
    )
    for payment in due.order_by("asked_at")[:10]:
        if due.filter(pk=payment.pk).update(asked_at=now):
            return payment
    return None


def _forget_unknown(payment: Payment) -> None:
    """Cancel a payment that the provider still does not know after a day."""
    logger.warning("The provider does not know payment %s.", payment)
    if timezone.now() - payment.created_at > UNKNOWN_FOR:
        pending = Payment.objects.filter(pk=payment.pk, status=Payment.Status.PENDING)
        pending.update(status=Payment.Status.CANCELED)
