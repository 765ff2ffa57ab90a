"""What is known of a person: given out on request, and erased on request.

Of an erased person the rows that money and the audit log refer to stay, and no longer say who it was.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import models, transaction
from oauth2_provider.models import Application, Grant

from accounts.audit import log
from accounts.audit.log import Action
from accounts.errors import OperatorStays
from accounts.keys import issuing
from accounts.keys.credentials import credentials_changed
from accounts.models import (
    Account,
    AccountModelMap,
    APIKey,
    Consent,
    IssuedToken,
    OneClickCode,
    SecurityEvent,
    User,
)
from accounts.oauth import applications
from accounts.oauth.revocation import revoke_all
from accounts.security.models import SignUp

SECRETS = frozenset(
    {
        *("password", "digest", "client_secret", "code", "token", "token_checksum", "data"),
        "session_key",
    }
)
ERASED = "erased"


def rows_of(row: models.Model, *, without: Iterable[str] = SECRETS) -> dict[str, Any]:
    """Return the columns of a row by their names, less what could be used to sign in."""
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.attname not in without
    }


def export(user: User) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the kind and the columns of each row that accounts has of a person."""
    yield "person", rows_of(user)
    found: list[tuple[str, Iterable[models.Model]]] = [
        ("email_address", EmailAddress.objects.filter(user=user)),
        ("second_factor", Authenticator.objects.filter(user=user)),
        ("consent", Consent.objects.filter(user=user)),
        ("account", Account.objects.filter(owner=user)),
        ("model_map", AccountModelMap.objects.filter(account__owner=user)),
        ("key", APIKey.objects.filter(user=user)),
        ("application", Application.objects.filter(user=user)),
        ("connection", IssuedToken.objects.filter(token__user=user)),
        ("session", UserSession.objects.filter(user=user)),
        ("sign_up", SignUp.objects.filter(account__owner=user)),
        ("security_event", SecurityEvent.objects.filter(account__owner=user)),
    ]
    for kind, rows in found:
        for row in rows:
            yield kind, rows_of(row)


def account_ids(user: User) -> list[int]:
    """Return the ids of the accounts that a person owns."""
    return list(Account.objects.filter(owner=user).order_by("pk").values_list("pk", flat=True))


def erase(user: User) -> None:
    """Shut the person out for good and take everything that says who it was out of the tables.

    Sessions end with the password. Call inside a transaction. Raises OperatorStays.
    """
    if user.is_staff:
        raise OperatorStays
    revoke_all(user=user)
    for key in APIKey.objects.filter(user=user, revoked_at=None):
        issuing.revoke(key=key)
    for application in Application.objects.filter(user=user):
        applications.delete(application=application)
    APIKey.objects.filter(user=user).update(
        name=ERASED,
        made_by="",
        allowed_ips=[],
        last_used_network="",
        frozen_reason="",
        frozen_at=None,
    )
    AccountModelMap.objects.filter(account__owner=user).delete()
    Authenticator.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()
    Grant.objects.filter(user=user).delete()
    UserSession.objects.filter(user=user).delete()
    SignUp.objects.filter(account__owner=user).update(network="")
    OneClickCode.objects.filter(user=user).delete()
    Consent.objects.filter(user=user).update(given_from=None)  # that it was given must be provable
    address = f"{ERASED}-{user.pk}@{ERASED}.invalid"
    Account.objects.filter(owner=user).update(name=address, suspension_reason="", suspended_at=None)
    user.email = user.email_folded = address
    user.mailbox = None
    user.is_active = False
    user.set_unusable_password()
    user.last_login = None
    user.save()
    for account_id in account_ids(user):
        credentials_changed(account_id)
    with transaction.atomic():
        log.record(Action.DELETE, user)
