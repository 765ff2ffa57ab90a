"""Keys are frozen and slowed for their owners' protection, and work again when that is undone."""

import pytest

from accounts import suspension
from accounts.audit.log import Action, AuditEntry
from accounts.errors import AccountSuspended, InvalidCredential, KeyFrozen
from accounts.keys import issuing
from accounts.keys.bearer import authenticate
from accounts.keys.freezing import freeze, slow, thaw, unslow
from tests.accounts.people import account_of, new_key

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


def test_a_frozen_key_is_refused_by_name_until_it_is_thawed():
    key, raw = new_key()
    _, other = new_key()
    assert authenticate(f"Bearer {raw}")
    assert freeze([key.pk], "leaked") == [key.pk]
    with pytest.raises(KeyFrozen, match="/cabinet/security/"):
        authenticate(f"Bearer {raw}")
    assert authenticate(f"Bearer {other}")
    key.refresh_from_db()
    assert (key.frozen_reason, key.frozen_at is None) == ("leaked", False)
    assert thaw(key.pk)
    assert authenticate(f"Bearer {raw}")


def test_only_keys_that_are_free_are_frozen():
    frozen, _ = new_key()
    revoked, raw = new_key()
    others, _ = new_key("pierre@example.ru")
    issuing.revoke(key=revoked)
    freeze([frozen.pk], "leaked")
    assert freeze([others.pk, frozen.pk, revoked.pk, 0], "strange") == [others.pk]
    frozen.refresh_from_db()
    assert frozen.frozen_reason == "leaked"
    with pytest.raises(InvalidCredential):
        authenticate(f"Bearer {raw}")
    assert thaw(frozen.pk)
    assert not thaw(frozen.pk)
    assert not thaw(0)


def test_a_suspended_account_thaws_nothing():
    key, raw = new_key()
    freeze([key.pk], "leaked")
    suspension.suspend(account=account_of(), reason="spam")
    with pytest.raises(AccountSuspended):
        thaw(key.pk)
    with pytest.raises(AccountSuspended):
        authenticate(f"Bearer {raw}")
    key.refresh_from_db()
    assert key.frozen_at is not None


def test_a_slowed_key_bears_its_bound_until_its_owner_confirms_it():
    key, raw = new_key()
    assert slow([key.pk], 60) == [key.pk]
    assert slow([key.pk], 7) == []
    assert authenticate(f"Bearer {raw}").limits.slowed_requests_per_minute == 60
    assert unslow(key.pk)
    assert not unslow(key.pk)
    assert authenticate(f"Bearer {raw}").limits.slowed_requests_per_minute is None


def test_the_audit_log_tells_of_each_change_once():
    key, _ = new_key()
    freeze([key.pk], "leaked")
    freeze([key.pk], "leaked")
    thaw(key.pk)
    slow([key.pk], 60)
    unslow(key.pk)
    acts = AuditEntry.objects.filter(object_id=str(key.pk)).order_by("pk")
    assert [act.action for act in acts] == [
        *(Action.ISSUE, Action.FREEZE, Action.THAW, Action.SLOW, Action.UNSLOW)
    ]
    assert acts[1].detail == {"reason": "leaked"}
