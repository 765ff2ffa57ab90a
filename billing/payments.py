"""Top-ups by card: started here, confirmed at YooKassa, credited once when YooKassa says so itself."""

import logging
import random
import time
import uuid
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts import audit
from accounts.audit import Action
from billing import ledger, yookassa_api
from billing.constants import NANO_PER_CREDIT
from billing.errors import InvalidAmount, MoneyStoreUnavailable, NoShop, PaymentProviderAway
from billing.ledger import Movement
from billing.models import LedgerEntry, Payment
from billing.pricing import credits_of, nano_of
from billing.yookassa_api import ProviderPayment, UnknownPayment

LEAST_ROUBLES, MOST_ROUBLES = Decimal("1.00"), Decimal("1000000.00")
TRIES, PAUSE_S = 3, 0.3
ASKED_AGAIN_AFTER_S = (20.0, 35.0)
TIME_BUDGET_S = 15.0
UNKNOWN_FOR = timedelta(days=1)
TEST_PAYMENT = "test-payment-"
"""How the ids of test payments begin; no payment of the provider's is called so."""

_KOPECK_NANO = NANO_PER_CREDIT // 100

logger = logging.getLogger(__name__)


def is_configured() -> bool:
    """Say whether people can top up by card."""
    return yookassa_api.is_configured()


def offers_test_payments() -> bool:
    """Say whether credits can be had without paying: while developing, where there is no shop."""
    return bool(settings.DEBUG) and not is_configured()


def start(
    account_id: int, amount: Decimal, return_url: str, *, key: uuid.UUID | None = None
) -> Payment:
    """Create a payment of so many roubles; people are sent to its `confirmation_url`.

    The same `key` is the same payment, however often it is asked for, and after a failure too.
    Raises InvalidAmount, NoShop, PaymentProviderAway.
    """
    amount_nano = _checked(amount)
    if not is_configured():
        raise NoShop("No shop is configured.")
    payment, _is_new = Payment.objects.get_or_create(
        account_id=account_id, amount_nano=amount_nano, idempotence_key=key or uuid.uuid4()
    )
    if payment.provider_id is not None:
        return payment
    mine = Payment.objects.filter(pk=payment.pk)
    try:
        created = _create(payment, return_url)
    except PaymentProviderAway:
        mine.filter(provider_id=None).update(status=Payment.Status.CANCELED)
        raise
    mine.exclude(status=Payment.Status.SUCCEEDED).update(
        provider_id=created.id,
        confirmation_url=created.confirmation_url,
        status=Payment.Status.PENDING,
    )
    payment.refresh_from_db()
    return payment


def pay_in_test(account_id: int, amount: Decimal, *, key: uuid.UUID) -> Movement:
    """Credit a payment that nobody paid; once for each key.

    Raises InvalidAmount, and NoShop where no test payments are offered.
    """
    if not offers_test_payments():
        raise NoShop("No test payments are offered.")
    with transaction.atomic():
        movement = ledger.top_up(
            account_id, _checked(amount), payment_id=f"{TEST_PAYMENT}{key}", reason="Test payment"
        )
        if movement.is_new:
            audit.record(Action.TEST_PAYMENT, LedgerEntry.objects.get(pk=movement.entry_id))
    return movement


def own(account_id: int, key: uuid.UUID) -> Payment | None:
    """Return the account's payment with this key; what is another's does not exist."""
    return Payment.objects.filter(account=account_id, idempotence_key=key).first()


def latest(account_id: int, count: int) -> list[Payment]:
    """Return the account's last payments, newest first."""
    return list(Payment.objects.filter(account=account_id).order_by("-pk")[:count])


def find(provider_id: str) -> Payment | None:
    """Return the payment that the provider calls so. Raises MoneyStoreUnavailable."""
    try:
        return Payment.objects.filter(provider_id=provider_id).first()
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error


def refresh(payment: Payment) -> Payment:
    """Ask the provider how a payment stands, and credit it, once, when it is paid.

    What came from elsewhere counts for nothing. A payment that is not as it was asked for is not
    credited, and is logged as an error. Raises NoShop, PaymentProviderAway, MoneyStoreUnavailable.
    """
    if payment.provider_id is None or payment.status == Payment.Status.SUCCEEDED:
        return payment
    found = yookassa_api.fetch(payment.provider_id)
    try:
        return _take_over(payment, found)
    except (DatabaseError, InterfaceError) as error:
        raise MoneyStoreUnavailable from error


def poll_pending() -> int:
    """Ask for the payments that nobody asked for of late; return how many were credited.

    Each is asked for by one process. Raises django.db.Error.
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
            logger.warning("Payment %s could not be asked for: %s", payment, error)
    return credited


def _checked(amount: Decimal) -> int:
    """Return roubles, at most two decimal places of them, as nano-credits. Raises InvalidAmount."""
    if not amount.is_finite() or not LEAST_ROUBLES <= amount <= MOST_ROUBLES:
        raise InvalidAmount(
            _("A top-up is from %(least)s to %(most)s roubles.")
            % {
                "least": number_format(LEAST_ROUBLES, decimal_pos=0),
                "most": number_format(MOST_ROUBLES, decimal_pos=0, force_grouping=True),
            }
        )
    try:
        amount_nano = nano_of(amount)
    except ValueError:
        amount_nano = 1
    if amount_nano % _KOPECK_NANO:
        raise InvalidAmount(_("An amount has two decimal places at most."))
    return amount_nano


def _create(payment: Payment, return_url: str) -> ProviderPayment:
    """Create it at the provider; the same key makes all the tries one payment."""
    for left in reversed(range(TRIES)):
        try:
            created = yookassa_api.create(
                _roubles(payment),
                return_url=return_url,
                description=f"XRouter: {payment.account_id}",
                idempotence_key=payment.idempotence_key,
            )
            break
        except PaymentProviderAway:
            if not left:
                raise
            time.sleep(PAUSE_S)
    if urlsplit(created.confirmation_url).scheme not in {"https", "http"}:
        raise PaymentProviderAway("The payment provider gives no page to pay at.")
    return created


def _take_over(payment: Payment, found: ProviderPayment) -> Payment:
    with transaction.atomic():
        locked = Payment.objects.select_for_update().get(pk=payment.pk)
        if locked.status == Payment.Status.SUCCEEDED:
            return locked
        if found.status == "succeeded" and found.is_paid:
            if difference := _difference(locked, found):
                logger.error("Payment %s is not credited: %s", locked, difference)
                return locked
            movement = ledger.top_up(
                locked.account_id, locked.amount_nano, payment_id=found.id, reason="YooKassa"
            )
            locked.entry_id, locked.status = movement.entry_id, Payment.Status.SUCCEEDED
        elif found.status == "canceled":
            locked.status = Payment.Status.CANCELED
        locked.save(update_fields=["status", "entry"])
    return locked


def _difference(payment: Payment, found: ProviderPayment) -> str:
    """Say in what a paid payment is not the one that was asked for; empty where it is."""
    shop_id = yookassa_api.shop_id()
    if found.currency != "RUB" or found.amount != _roubles(payment):
        return f"it is of {found.amount} {found.currency}, not {_roubles(payment)} RUB"
    # The shop's own secret has fetched it, so that one that names no shop is the shop's.
    if found.shop_id not in {"", shop_id}:
        return f"it is of the shop {found.shop_id}, not {shop_id}"
    return ""


def _roubles(payment: Payment) -> Decimal:
    return credits_of(payment.amount_nano).quantize(Decimal("0.01"))


def _claim() -> Payment | None:
    """Take the payment that waits longest, so that no other process asks for it meanwhile."""
    now = timezone.now()
    waits_s = random.uniform(*ASKED_AGAIN_AFTER_S)  # noqa: S311
    pending = Payment.objects.filter(status=Payment.Status.PENDING, provider_id__isnull=False)
    due = pending.filter(asked_at__lte=now - timedelta(seconds=waits_s)).order_by("asked_at")
    for payment in due[:10]:
        if pending.filter(pk=payment.pk, asked_at=payment.asked_at).update(asked_at=now):
            return payment
    return None


def _forget_unknown(payment: Payment) -> None:
    """Give up a payment that the provider does not know after a day."""
    logger.warning("The provider does not know payment %s.", payment)
    if timezone.now() - payment.created_at > UNKNOWN_FOR:
        pending = Payment.objects.filter(pk=payment.pk, status=Payment.Status.PENDING)
        pending.update(status=Payment.Status.CANCELED)
