"""Freezes and slows keys for their owners' protection, and undoes both, in every process within two seconds."""

from collections.abc import Collection, Mapping

from django.db import transaction
from django.utils import timezone

from accounts.audit import log
from accounts.audit.log import Action
from accounts.keys.credentials import credentials_changed
from accounts.models import APIKey
from accounts.users import check_not_suspended


def freeze(key_ids: Collection[int], reason: str) -> list[int]:
    """Refuse the keys until they are thawed; `reason`, 200 characters at most, is shown to their owners.

    Returns the ids of those that were not frozen before, in order; revoked keys are passed over.
    """
    fresh = {"frozen_at": None, "revoked_at": None}
    columns = {"frozen_at": timezone.now(), "frozen_reason": reason}
    return _change(key_ids, fresh, columns, Action.FREEZE, detail={"reason": reason})


def thaw(key_id: int) -> bool:
    """Let a frozen key work again; say whether it was frozen.

    Raises AccountSuspended: a suspended account thaws nothing.
    """
    if key := APIKey.objects.filter(pk=key_id).first():
        check_not_suspended(key.account_id)
    columns = {"frozen_at": None, "frozen_reason": ""}
    return bool(_change([key_id], {"frozen_at__isnull": False}, columns, Action.THAW))


def slow(key_ids: Collection[int], requests_per_minute: int) -> list[int]:
    """Bound the keys to so many requests in any rolling minute, until `unslow`.

    Returns the ids of those that were not slowed before, in order; the others keep their bound.
    """
    fresh = {"slowed_requests_per_minute": None, "revoked_at": None}
    columns = {"slowed_requests_per_minute": requests_per_minute}
    return _change(key_ids, fresh, columns, Action.SLOW, detail=columns)


def unslow(key_id: int) -> bool:
    """Lift the bound of `slow`; say whether there was one."""
    slowed = {"slowed_requests_per_minute__isnull": False}
    return bool(_change([key_id], slowed, {"slowed_requests_per_minute": None}, Action.UNSLOW))


def _change(
    key_ids: Collection[int],
    which: Mapping[str, object],
    columns: Mapping[str, object],
    action: Action,
    *,
    detail: Mapping[str, object] | None = None,
) -> list[int]:
    """Set the columns of those keys that are as `which` says, and return their ids, in order."""
    with transaction.atomic():
        keys = APIKey.objects.filter(pk__in=key_ids, **which)
        # The accounts' rows are locked in one order, so that two callers never wait for each other.
        for account_id in sorted(set(keys.values_list("account_id", flat=True))):
            credentials_changed(account_id)
        changed = list(keys.order_by("pk"))
        keys.filter(pk__in=[key.pk for key in changed]).update(**columns)
        for key in changed:
            log.record(action, key, detail=detail)
    return [key.pk for key in changed]
