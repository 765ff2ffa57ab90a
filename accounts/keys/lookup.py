"""Reads the keys of an account, for those who manage them."""

from collections.abc import Sequence

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from accounts.keys.key_format import HEAD_LENGTH
from accounts.models import APIKey as APIKey


def find(account_id: int, digest: str) -> APIKey | None:
    """Return the account's key with this digest, revoked or not."""
    if "\0" in digest:  # PostgreSQL takes none in a text
        return None
    return APIKey.objects.filter(account=account_id, digest=digest).first()


def find_by_id(account_id: int, key_id: int) -> APIKey | None:
    """Return the account's key with this id, revoked or not."""
    return APIKey.objects.filter(account=account_id, pk=key_id).first()


def accounts_by_head(head: str, *, most: int = 20) -> list[int]:
    """Return the accounts that have a key beginning so; of a whole key its first characters are compared."""
    if len(head) < HEAD_LENGTH:
        return []
    keys = APIKey.objects.filter(head=head[:HEAD_LENGTH])
    return sorted(set(keys.values_list("account_id", flat=True)[:most]))


def has_any(account_id: int, *, is_revoked: bool | None = None) -> bool:
    """Say whether the account has a key; None counts the live and the revoked alike."""
    keys = APIKey.objects.filter(account=account_id)
    if is_revoked is not None:
        keys = keys.filter(revoked_at__isnull=not is_revoked)
    return keys.exists()


def newest(account_id: int, *, most: int) -> list[APIKey]:
    """Return the account's newest keys, revoked ones too."""
    return list(APIKey.objects.filter(account=account_id).order_by("-pk")[:most])


def live(
    account_id: int, *, most: int, offset: int = 0, include_disabled: bool = True
) -> Sequence[APIKey]:
    """Return the account's keys that are not revoked, the newest first."""
    keys = APIKey.objects.filter(account=account_id, revoked_at=None)
    if not include_disabled:
        keys = keys.filter(disabled=False)
    return list(keys.order_by("-pk")[offset : offset + most])


def listed(account_id: int, *, is_revoked: bool) -> QuerySet[APIKey]:
    """Return the account's live or revoked keys, the newest first."""
    keys = APIKey.objects.filter(account=account_id, revoked_at__isnull=not is_revoked)
    return keys.order_by("-pk")


def page(
    account_id: int, *, is_revoked: bool, number: str | None, keys_on_a_page: int
) -> Page[APIKey]:
    """Return a page of the account's live or revoked keys, the newest first.

    A `number` out of range gives the nearest page.
    """
    keys = listed(account_id, is_revoked=is_revoked)
    return Paginator(keys, keys_on_a_page).get_page(number)
