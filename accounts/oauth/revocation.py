"""Revokes the access of applications; every process follows within two seconds.

Locks are taken in one order: codes, accounts, tokens. A code that is just being redeemed is waited for, so
that its token ends too.
"""

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, Grant

from accounts.audit import log
from accounts.audit.log import Action
from accounts.keys import issuing
from accounts.keys.credentials import credentials_changed
from accounts.models import APIKey, IssuedToken, OneClickCode, User


def revoke_all(*, user: User) -> None:
    """End every token and open code of a person; the keys that applications created stay."""
    with transaction.atomic():
        Grant.objects.filter(user=user).delete()
        OneClickCode.objects.filter(user=user, api_key=None).delete()
        end_tokens(user=user)


def revoke_connection(*, user: User, application: Application, with_keys: bool = False) -> None:
    """Revoke one application's access for a person, and on request the keys that it created."""
    with transaction.atomic():
        Grant.objects.filter(user=user, application=application).delete()
        end_tokens(user=user, application=application)
        if with_keys:
            _revoke_keys(user, application=application)
        log.record(Action.DISCONNECT, application, detail={"user": user.pk})


def revoke_site(*, user: User, made_by: str) -> None:
    """Revoke the keys that a site got through the one-click form."""
    with transaction.atomic():
        _revoke_keys(user, application=None, made_by=made_by)
        log.record(Action.DISCONNECT, user, detail={"site": made_by})


def revoke_application(*, application: Application) -> None:
    """Revoke an application's access for everybody."""
    with transaction.atomic():
        Grant.objects.filter(application=application).delete()
        end_tokens(application=application)


def revoke_token(token: AccessToken) -> None:
    """End one access token."""
    with transaction.atomic():
        end_tokens(pk=token.pk)


def end_tokens(**which: Any) -> None:
    """End the live access tokens with these columns. Call inside a transaction.

    A token ends by expiring now: its row stays, so that past usage keeps its name.
    """
    note_change(**which)
    now = timezone.now()
    AccessToken.objects.filter(Q(**which), expires__gt=now).update(expires=now)


def note_change(**which: Any) -> None:
    """Have the live access tokens with these columns read again. Call inside a transaction."""
    live = AccessToken.objects.filter(Q(**which), expires__gt=timezone.now())
    reached = IssuedToken.objects.filter(token__in=live).order_by("account").distinct()
    for account_id in list(reached.values_list("account", flat=True)):
        credentials_changed(account_id)


def _revoke_keys(user: User, **which: Any) -> None:
    for key in APIKey.objects.filter(Q(**which), user=user, revoked_at=None):
        issuing.revoke(key=key)
