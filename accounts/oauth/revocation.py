"""Ending what applications were let do: it reaches every process within two seconds.

Locks are taken in one order: codes, accounts, tokens. A code that is being redeemed at this moment is
waited for, so that its token ends too.
"""

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, Grant

from accounts import api_keys, audit
from accounts.audit import Action
from accounts.credential_cache import expire_credentials
from accounts.models import APIKey, IssuedToken, OneClickCode, User


def revoke_all(*, user: User) -> None:
    """End every token and every open code of a person; the keys that applications made stay."""
    with transaction.atomic():
        Grant.objects.filter(user=user).delete()
        OneClickCode.objects.filter(user=user, api_key=None).delete()
        end_tokens(user=user)


def revoke_connection(*, user: User, application: Application, with_keys: bool = False) -> None:
    """End what one application was let do for a person, and the keys that it made, if wanted."""
    with transaction.atomic():
        Grant.objects.filter(user=user, application=application).delete()
        end_tokens(user=user, application=application)
        if with_keys:
            _revoke_keys(user, application=application)
        audit.record(Action.DISCONNECT, application, detail={"user": user.pk})


def revoke_site(*, user: User, made_by: str) -> None:
    """End the keys that a site, which is no application of ours, was given."""
    with transaction.atomic():
        _revoke_keys(user, application=None, made_by=made_by)
        audit.record(Action.DISCONNECT, user, detail={"site": made_by})


def revoke_application(*, application: Application) -> None:
    """End what an application was let do, for everybody."""
    with transaction.atomic():
        Grant.objects.filter(application=application).delete()
        end_tokens(application=application)


def revoke_token(token: AccessToken) -> None:
    """End one access token."""
    with transaction.atomic():
        end_tokens(pk=token.pk)


def end_tokens(**which: Any) -> None:
    """End the live access tokens with these columns. Call inside a transaction.

    A token that is ended is one that expires now: its row stays, and past usage keeps its name.
    """
    now = timezone.now()
    live = AccessToken.objects.filter(Q(**which), expires__gt=now)
    reached = IssuedToken.objects.filter(token__in=live).order_by("account").distinct()
    for account_id in list(reached.values_list("account", flat=True)):
        expire_credentials(account_id)
    live.update(expires=now)


def _revoke_keys(user: User, **which: Any) -> None:
    for key in APIKey.objects.filter(Q(**which), user=user, revoked_at=None):
        api_keys.revoke(key=key)
