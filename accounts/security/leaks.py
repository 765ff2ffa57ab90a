"""Reports of leaked keys: what is real is frozen, and its owner told."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext_noop

from accounts.keys import freezing
from accounts.keys.key_format import digest_of, well_formed
from accounts.models import APIKey
from accounts.security import events
from accounts.security.models import SecurityEvent, Signal

REASON = gettext_noop("Somebody reported this key as leaked.")


def report(raw_keys: Iterable[str]) -> None:
    """Freeze those of the raw keys that are real. What is no key is passed over. Raises django.db.Error."""
    digests = {digest_of(raw) for raw in raw_keys if well_formed(raw)}
    if not digests:
        return
    with transaction.atomic():
        events.lock()
        found = APIKey.objects.filter(digest__in=digests).values_list("pk", "account_id")
        account_of = dict(found)
        for key_id in freezing.freeze(account_of, REASON):
            events.record(
                SecurityEvent(
                    signal=Signal.LEAKED_KEY,
                    account_id=account_of[key_id],
                    api_key_id=key_id,
                    evidence={},
                )
            )
