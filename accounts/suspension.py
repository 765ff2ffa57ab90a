"""Shutting accounts and people out, and letting them in again: each reaches every process."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.audit import Action
from accounts.credential_cache import expire_credentials
from accounts.models import Account, User
from accounts.oauth.revocation import revoke_all


def suspend(*, account: Account) -> None:
    """Refuse every credential of the account, and end its owner's access tokens for good.

    One that is suspended already keeps its date.
    """
    _set_suspended(account, suspended=True)


def resume(*, account: Account) -> None:
    """Let the account's credentials work again."""
    _set_suspended(account, suspended=False)


def set_active(*, user: User, is_active: bool) -> None:
    """Shut a person out, with every credential they made or pay for, or let them in again.

    Their access tokens end for good.
    """
    with transaction.atomic():
        if not is_active:
            revoke_all(user=user)
        User.objects.filter(pk=user.pk).update(is_active=is_active)
        reached = Account.objects.filter(Q(owner=user) | Q(api_keys__user=user))
        for account_id in reached.order_by("pk").distinct().values_list("pk", flat=True):
            expire_credentials(account_id)
        audit.record(Action.LET_IN if is_active else Action.SHUT_OUT, user)
    user.is_active = is_active


def _set_suspended(account: Account, *, suspended: bool) -> None:
    with transaction.atomic():
        if suspended:
            revoke_all(user=account.owner)
        expire_credentials(account.pk)
        rows = Account.objects.filter(pk=account.pk, suspended_at__isnull=suspended)
        if rows.update(suspended_at=timezone.now() if suspended else None):
            audit.record(Action.SUSPEND if suspended else Action.RESUME, account)
    account.refresh_from_db(fields=["suspended_at", "credentials_epoch"])
