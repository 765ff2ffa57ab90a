"""API keys: issue, edit, revoke, and read what one may do. The raw key is seen by `issue` alone."""

from ipaddress import ip_network
from typing import Unpack, cast

from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import Application

from accounts import audit
from accounts.audit import Action
from accounts.credential_cache import Credential, expire_credentials
from accounts.errors import AccountSuspended, InvalidCredential, KeyRevoked
from accounts.key_format import HEAD_LENGTH, TAIL_LENGTH, digest_of, make_key
from accounts.key_settings import KeyOptions, KeySettings, columns_of
from accounts.models import Account, APIKey, User
from accounts.principal import KeyBudget, KeyRate, LimitReset, Principal


def issue(
    *,
    account: Account,
    user: User,
    name: str,
    is_test: bool = False,
    application: Application | None = None,
    made_by: str = "",
    **options: Unpack[KeyOptions],
) -> tuple[APIKey, str]:
    """Create a key and return it with its raw text, which is not kept. Raises InvalidKeySetting.

    `made_by` is what people call the application, or the site, that asked for the key.
    """
    columns = columns_of({"name": name, **options})
    raw = make_key(is_test=is_test)
    with transaction.atomic():
        expire_credentials(account.pk)
        key = APIKey.objects.create(
            account=account,
            user=user,
            digest=digest_of(raw),
            head=raw[:HEAD_LENGTH],
            tail=raw[-TAIL_LENGTH:],
            is_test=is_test,
            application=application,
            made_by=made_by,
            **columns,
        )
        audit.record(Action.ISSUE, key)
    return key, raw


def edit(*, key: APIKey, **settings: Unpack[KeySettings]) -> None:
    """Change the settings that are named. Raises InvalidKeySetting and KeyRevoked."""
    columns = columns_of(settings)
    with transaction.atomic():
        expire_credentials(key.account_id)
        live = APIKey.objects.filter(pk=key.pk, revoked_at=None)
        if not live.exists():
            raise KeyRevoked
        live.update(**columns)
        audit.record(Action.CHANGE, key, detail={"fields": sorted(settings)})
    key.refresh_from_db()


def revoke(*, key: APIKey) -> None:
    """End the key for good; one that is revoked already keeps its date."""
    with transaction.atomic():
        expire_credentials(key.account_id)
        if APIKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            audit.record(Action.REVOKE, key)
    key.refresh_from_db(fields=["revoked_at"])


def load(digest: str) -> Credential:
    """Read the good key with this digest, and its account's epoch, in one statement.

    Raises InvalidCredential and AccountSuspended.
    """
    key = APIKey.objects.select_related("account__owner", "user").filter(digest=digest).first()
    if key is None or key.revoked_at is not None or key.disabled:
        raise InvalidCredential
    people = (key.user, key.account.owner)
    if key.account.suspended_at is not None or not all(person.is_active for person in people):
        raise AccountSuspended
    return Credential(principal_of(key), key.account.credentials_epoch)


def principal_of(key: APIKey) -> Principal:
    """Say who bears the key, and within which bounds."""
    return Principal(
        account_id=key.account_id,
        user_id=key.user_id,
        credential_kind="key",
        credential_id=key.pk,
        scopes=frozenset(key.scopes),
        label=key.name,
        is_test=key.is_test,
        allowed_models=frozenset(key.allowed_models),
        allowed_networks=tuple(ip_network(text) for text in key.allowed_ips),
        rate=_rate_of(key),
        budget=_budget_of(key),
    )


def _rate_of(key: APIKey) -> KeyRate | None:
    if key.rate_requests is None or key.rate_window_s is None:
        return None
    return KeyRate(requests=key.rate_requests, window_s=key.rate_window_s)


def _budget_of(key: APIKey) -> KeyBudget | None:
    if key.limit_nano is None:
        return None
    reset = cast("LimitReset | None", key.limit_reset)  # by a constraint of the table
    return KeyBudget(limit_nano=key.limit_nano, reset=reset)
