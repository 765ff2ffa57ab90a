"""What money and requests say of a person: given out on request, and erased on request.

Ledger entries and payments are accounting: they are given out and stay. The facts of a request stay without
the caller's own words.
"""

import uuid
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from accounts.personal_data import rows_of
from accounts.users import account
from billing import redemption_codes
from billing.errors import AccountHasMoney
from billing.models import (
    AutoTopUp,
    CreditAccount,
    Generation,
    Hold,
    LedgerEntry,
    LowBalanceAlert,
    Payment,
    PaymentRefund,
    RedemptionCode,
    Refusal,
    UsageDay,
)

ROWS_AT_ONCE = 2000
_REQUESTS: tuple[tuple[str, type[Generation | Refusal]], ...] = (
    ("generation", Generation),
    ("refusal", Refusal),
)


def export(account_id: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the kind and the columns of each row that billing has of an account."""
    found: tuple[tuple[str, QuerySet[Any]], ...] = (
        ("balance", CreditAccount.objects.filter(account=account_id)),
        ("ledger_entry", LedgerEntry.objects.filter(account=account_id)),
        ("payment", Payment.objects.filter(account=account_id)),
        ("payment_refund", PaymentRefund.objects.filter(payment__account=account_id)),
        ("redeemed_code", RedemptionCode.objects.filter(account=account_id)),
        ("automatic_top_up", AutoTopUp.objects.filter(account=account_id)),
        ("low_balance_alert", LowBalanceAlert.objects.filter(account=account_id)),
        ("usage_of_a_day", UsageDay.objects.filter(account=account_id)),
    )
    for kind, rows in found:
        for row in rows.order_by("pk").iterator(ROWS_AT_ONCE):
            yield kind, rows_of(row, without=())
    for kind, table in _REQUESTS:
        for ids in _pages(table, account_id):
            for row in table._default_manager.filter(account=account_id, pk__in=ids).order_by(
                "-id"
            ):
                yield kind, rows_of(row, without=())


def check_nothing_is_open(account_id: int, *, with_balance: bool) -> None:
    """Raise AccountHasMoney where a request or payment is under way, or credits are left.

    `with_balance` lets credits be left.
    """
    found = CreditAccount.objects.filter(account=account_id).first()
    if found is not None and found.posted_nano > 0 and not with_balance:
        raise AccountHasMoney
    if Hold.objects.filter(account=account_id).exists():
        raise AccountHasMoney
    if Payment.objects.filter(account=account_id, status=Payment.Status.PENDING).exists():
        raise AccountHasMoney


def erase(account_id: int) -> None:
    """Take the caller's own words out of the requests of an account, however many there are."""
    LowBalanceAlert.objects.filter(account=account_id).delete()
    AutoTopUp.objects.filter(account=account_id).delete()
    redemption_codes.forget_email(account(account_id).owner.email)
    for ids in _pages(Generation, account_id):
        Generation.objects.filter(account=account_id, pk__in=ids).update(
            end_user=None, session_id=None, metadata=None, request_id=None
        )
    for ids in _pages(Refusal, account_id):
        Refusal.objects.filter(account=account_id, pk__in=ids).delete()


def _pages(table: type[Generation | Refusal], account_id: int) -> Iterator[list[uuid.UUID]]:
    """Yield the ids of an account's rows along its index, newest first, so that no statement is long."""
    rows: QuerySet[Any] = table._default_manager.filter(account=account_id).order_by("-id")
    page = list(rows.values_list("pk", flat=True)[:ROWS_AT_ONCE])
    while page:
        yield page
        page = list(rows.filter(id__lt=page[-1]).values_list("pk", flat=True)[:ROWS_AT_ONCE])
