"""Replaces an account's model map."""

from collections.abc import Mapping

from django.db import transaction

from accounts.audit import log
from accounts.audit.log import Action
from accounts.keys.credentials import credentials_changed
from accounts.model_map.matching import check_names
from accounts.model_map.stored import entries_of
from accounts.models import Account, AccountModelMap


def replace_entries(account: Account, entries: Mapping[str, str]) -> None:
    """Replace the whole map; an empty one clears it. Raises InvalidModelMap.

    Every process goes by the new one as soon as it reads the account's credentials again.
    """
    check_names(entries)
    with transaction.atomic():
        credentials_changed(account.pk)  # locks the account's row: changes go one after another
        before = entries_of(account.pk)
        if entries:
            AccountModelMap.objects.update_or_create(
                account=account, defaults={"entries": list(entries.items())}
            )
        else:
            AccountModelMap.objects.filter(account=account).delete()
        log.record(
            Action.CHANGE,
            account,
            detail={"model_map": {"before": len(before), "after": len(entries)}},
        )
