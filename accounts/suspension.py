"""Suspends and resumes accounts and people, in every process."""

from functools import partial

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.audit import log
from accounts.audit.log import Action
from accounts.errors import SuspensionReasonMissing
from accounts.keys.credentials import credentials_changed
from accounts.models import Account, User
from accounts.oauth.revocation import revoke_all
from infra import outbox


def suspend(*, account: Account, reason: str) -> bool:
    """Suspend the account: refuse its credentials, end its owner's access tokens for good, and tell them why.

    Return False for one already suspended, which keeps its date and its reason. Raises
    SuspensionReasonMissing.
    """
    reason = reason.strip()
    if not reason:
        raise SuspensionReasonMissing
    with transaction.atomic():
        revoke_all(user=account.owner)
        credentials_changed(account.pk)
        rows = Account.objects.filter(pk=account.pk, suspended_at=None)
        is_new = bool(rows.update(suspended_at=timezone.now(), suspension_reason=reason))
        if is_new:
            log.record(Action.SUSPEND, account, detail={"reason": reason})
            transaction.on_commit(lambda: _tell(account.owner, reason))
    account.refresh_from_db(fields=["suspended_at", "suspension_reason"])
    return is_new


def resume(*, account: Account) -> bool:
    """Let the account's credentials work again. Return False for one that was not suspended."""
    with transaction.atomic():
        credentials_changed(account.pk)
        rows = Account.objects.filter(pk=account.pk, suspended_at__isnull=False)
        was_suspended = bool(rows.update(suspended_at=None, suspension_reason=""))
        if was_suspended:
            log.record(Action.RESUME, account)
    account.refresh_from_db(fields=["suspended_at", "suspension_reason"])
    return was_suspended


def set_active(*, user: User, is_active: bool) -> None:
    """Suspend a person, with every credential they created or pay for, or reinstate them.

    Suspending ends their access tokens for good.
    """
    with transaction.atomic():
        if not is_active:
            revoke_all(user=user)
        User.objects.filter(pk=user.pk).update(is_active=is_active)
        reached = Account.objects.filter(Q(owner=user) | Q(api_keys__user=user))
        for account_id in reached.order_by("pk").distinct().values_list("pk", flat=True):
            credentials_changed(account_id)
        log.record(Action.LET_IN if is_active else Action.SHUT_OUT, user)
    user.is_active = is_active


def _tell(owner: User, reason: str) -> None:
    """Mail the owner that the account is suspended, and why."""
    with override(owner.mail_language):
        context = {
            "reason": reason,
            "public_url": settings.PUBLIC_URL,
            "support_email": settings.SUPPORT_EMAIL,
        }
        subject = _("XRouter: your account is suspended")
        text = render_to_string("account/email/suspended_message.txt", context)
    mail = partial(send_mail, subject, text, None, [owner.email])
    outbox.send(f"to user {owner.pk} about the suspension", mail)
