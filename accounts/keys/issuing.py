"""Issues, edits and revokes API keys. Only `issue` sees a raw key."""

from datetime import timedelta
from typing import Any, Unpack

from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import Application

from accounts.audit import log
from accounts.audit.log import Action
from accounts.errors import KeyEnded, KeyRevoked, TooManyKeys
from accounts.keys.credentials import credentials_changed
from accounts.keys.key_format import HEAD_LENGTH, TAIL_LENGTH, digest_of, make_key
from accounts.keys.key_settings import KeyOptions, KeySettings, columns_of
from accounts.models import Account, APIKey, User
from accounts.users import check_not_suspended, lock_account

KEYS_MAX = 10_000
"""How many keys that are not revoked an account may have."""

OVERLAP_MAX_S = 604_800
"""How long a key may live beside its successor: a week."""

INHERITED = (
    *("name", "is_test", "application", "made_by", "scopes", "disabled", "expires_at"),
    *("allowed_models", "allowed_ips", "limit_nano", "limit_reset"),
    *("rate_requests", "rate_window_s", "concurrency"),
)
"""The columns that a successor has from the key that it replaces."""


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
    """Create a key and return it with its raw text, which is not stored.

    `made_by` is what people call the application, or the site, that asked for the key. Raises
    InvalidKeySetting, TooManyKeys and AccountSuspended.
    """
    columns = columns_of({"name": name, **options})
    with transaction.atomic():
        _check_may_have_one_more(account.pk)
        key, raw = _new(
            account=account,
            user=user,
            is_test=is_test,
            application=application,
            made_by=made_by,
            **columns,
        )
        log.record(Action.ISSUE, key)
    return key, raw


def rotate(*, key: APIKey, overlap_s: int) -> tuple[APIKey, str]:
    """Replace a key: return its successor, with the same settings, and its raw text.

    The old key works for `overlap_s` more, if it would not end before. Both draw on one budget, which is
    not begun anew. Raises KeyEnded, TooManyKeys and AccountSuspended.
    """
    now = timezone.now()
    with transaction.atomic():
        credentials_changed(key.account_id)
        _check_may_have_one_more(key.account_id)
        key.refresh_from_db()
        is_over = key.expires_at is not None and key.expires_at <= now
        if key.revoked_at is not None or key.successor_id is not None or is_over:
            raise KeyEnded
        settings = {name: getattr(key, name) for name in INHERITED}
        successor, raw = _new(account=key.account, user=key.user, **settings)
        budget_keys = [*(key.budget_keys or [key.pk]), successor.pk]
        APIKey.objects.filter(pk__in=budget_keys).update(budget_keys=budget_keys)
        ends_at = now + timedelta(seconds=overlap_s)
        APIKey.objects.filter(pk=key.pk).update(
            successor=successor, expires_at=min(key.expires_at or ends_at, ends_at)
        )
        log.record(Action.ROTATE, key, detail={"successor": str(successor)})
    key.refresh_from_db()
    successor.refresh_from_db()
    return successor, raw


def edit(*, key: APIKey, **settings: Unpack[KeySettings]) -> None:
    """Change the settings that are named. Raises InvalidKeySetting and KeyRevoked."""
    columns = columns_of(settings)
    with transaction.atomic():
        credentials_changed(key.account_id)
        live = APIKey.objects.filter(pk=key.pk, revoked_at=None)
        if not live.exists():
            raise KeyRevoked
        live.update(**columns)
        log.record(Action.CHANGE, key, detail={"fields": sorted(settings)})
    key.refresh_from_db()


def revoke(*, key: APIKey) -> None:
    """Revoke the key for good; one already revoked keeps its date."""
    with transaction.atomic():
        credentials_changed(key.account_id)
        if APIKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            log.record(Action.REVOKE, key)
    key.refresh_from_db(fields=["revoked_at"])


def _check_may_have_one_more(account_id: int) -> None:
    """Lock the account's row, so that its keys can be counted. Raises TooManyKeys, AccountSuspended."""
    lock_account(account_id)
    check_not_suspended(account_id)
    if APIKey.objects.filter(account=account_id, revoked_at=None).count() >= KEYS_MAX:
        raise TooManyKeys(KEYS_MAX)


def _new(*, is_test: bool, **columns: Any) -> tuple[APIKey, str]:
    raw = make_key(is_test=is_test)
    key = APIKey.objects.create(
        digest=digest_of(raw),
        head=raw[:HEAD_LENGTH],
        tail=raw[-TAIL_LENGTH:],
        is_test=is_test,
        **columns,
    )
    return key, raw
