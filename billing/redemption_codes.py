"""Redemption codes: made in batches by operators, shown once, and redeemed once each for credits.

A code is 16 characters of Crockford's base 32, 80 random bits, which nobody guesses: a plain SHA-256 of
it is kept.
"""

import hashlib
import secrets
import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import log
from accounts.audit.log import Action
from accounts.email_address import fold_email
from accounts.users import account, check_not_suspended
from billing.errors import BatchMade, RedemptionRefused
from billing.ledger import ledger
from billing.ledger.ledger import Movement
from billing.models import CodeBatch, RedemptionCode
from infra.credits import credits_text

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIX, CHARS, GROUP_CHARS = "XR", 16, 4
MOST_CODES = 1000
"""The most codes of one batch, and the most that one page shows."""
CODE_ENTRY = "code-"
"""The prefix of a code's id where a ledger entry names its payment."""

_MISREAD = str.maketrans("OIL", "011")


def make_batch(
    amount_nano: int,
    count: int,
    *,
    key: uuid.UUID,
    expires_at: datetime,
    note: str,
    email: str,
    operator_id: int,
) -> tuple[CodeBatch, list[str]]:
    """Make codes, and return them in clear this once. Raises BatchMade where the key's batch exists."""
    codes = [_new_code() for _number in range(count)]
    with transaction.atomic():
        batch, is_new = CodeBatch.objects.get_or_create(
            key=key,
            defaults={
                "amount_nano": amount_nano,
                "expires_at": expires_at,
                "note": note,
                "email_folded": fold_email(email) if email else "",
                "made_by_id": operator_id,
            },
        )
        if not is_new:
            raise BatchMade("This batch is made already, and its codes were shown.")
        RedemptionCode.objects.bulk_create(
            RedemptionCode(batch=batch, digest=_digest(code), tail=code[-GROUP_CHARS:])
            for code in codes
        )
        log.write(
            Action.ISSUE,
            [batch],
            detail={
                "codes": count,
                "credits": credits_text(amount_nano),
                "expires_at": expires_at.isoformat(),
                "is_bound": bool(email),
            },
            reason=note,
        )
    return batch, codes


def void(code: RedemptionCode) -> None:
    """Refuse the code from now on. Raises RedemptionRefused where it was redeemed."""
    _void(RedemptionCode.objects.filter(pk=code.pk))
    if RedemptionCode.objects.filter(pk=code.pk, redeemed_at__isnull=False).exists():
        raise RedemptionRefused(_("The code %(code)s was redeemed already.") % {"code": code})


def void_batch(batch: CodeBatch) -> None:
    """Refuse from now on all codes of a batch that were not redeemed."""
    _void(RedemptionCode.objects.filter(batch=batch))


def redeem(account_id: int, typed: str) -> Movement:
    """Credit the code's amount to the account, once. Raises RedemptionRefused, AccountSuspended."""
    digest = _digest(typed)
    with transaction.atomic():
        check_not_suspended(account_id)
        codes = RedemptionCode.objects.select_related("batch").select_for_update(of=("self",))
        code = codes.filter(digest=digest).first()
        if code is None:
            raise RedemptionRefused(
                _("There is no such code. Look for a character that was mistyped.")
            )
        _check(code, account_id)
        movement = ledger.top_up(
            account_id,
            code.batch.amount_nano,
            payment_id=f"{CODE_ENTRY}{code.pk}",
            reason=f"Redemption code {code}",
        )
        code.account_id, code.entry_id = account_id, movement.entry_id
        code.redeemed_at = timezone.now()
        code.save(update_fields=["account", "entry", "redeemed_at"])
    return movement


def in_state(codes: QuerySet[RedemptionCode], state: str) -> QuerySet[RedemptionCode]:
    """Return those that are `open`, `redeemed`, `voided` or `expired`."""
    is_open = Q(redeemed_at=None, voided_at=None)
    return codes.filter(
        {
            "open": is_open & Q(batch__expires_at__gt=Now()),
            "redeemed": Q(redeemed_at__isnull=False),
            "voided": Q(voided_at__isnull=False),
            "expired": is_open & Q(batch__expires_at__lte=Now()),
        }[state]
    )


def state_of(code: RedemptionCode) -> str:
    """Return which of the four states a code is in; its batch is loaded."""
    if code.redeemed_at is not None:
        return "redeemed"
    if code.voided_at is not None:
        return "voided"
    return "open" if code.batch.expires_at > timezone.now() else "expired"


def shown(code: str) -> str:
    """Return a code in groups, as people copy and type it."""
    groups = [code[start : start + GROUP_CHARS] for start in range(0, CHARS, GROUP_CHARS)]
    return "-".join([PREFIX, *groups])


def forget_email(email: str) -> None:
    """Void what is open for an address, and forget the address."""
    batches = CodeBatch.objects.filter(email_folded=fold_email(email))
    _void(RedemptionCode.objects.filter(batch__in=batches))
    batches.update(email_folded="erased")


def _void(codes: QuerySet[RedemptionCode]) -> None:
    codes.filter(redeemed_at=None, voided_at=None).update(voided_at=Now())


def _check(code: RedemptionCode, account_id: int) -> None:
    """Raise RedemptionRefused unless the account may redeem the code."""
    match state_of(code):
        case "redeemed" if code.account_id == account_id:
            raise RedemptionRefused(
                _("You have redeemed this code: its credits are on the balance.")
            )
        case "redeemed":
            raise RedemptionRefused(_("This code was redeemed already, and works once."))
        case "voided":
            raise RedemptionRefused(_("This code was withdrawn. Ask whoever gave it to you."))
        case "expired":
            raise RedemptionRefused(_("This code has expired. Ask whoever gave it to you."))
    bound_to = code.batch.email_folded
    if bound_to and bound_to != fold_email(account(account_id).owner.email):
        raise RedemptionRefused(_("This code is for an account with another e-mail."))


def _new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _place in range(CHARS))


def _digest(typed: str) -> str:
    """Return the SHA-256 of a code, however its letters and dashes were typed."""
    plain = "".join(character for character in typed.upper() if character.isalnum())
    code = plain.removeprefix(PREFIX) if len(plain) > CHARS else plain
    return hashlib.sha256(code.translate(_MISREAD).encode()).hexdigest()
