"""From the header to who is calling: all refusals look alike, and a bad text costs no query."""

import pytest

from accounts import suspension
from accounts.errors import AccountSuspended, InsufficientScope, InvalidCredential
from accounts.keys import issuing, key_principal
from accounts.keys.bearer import authenticate
from accounts.keys.key_format import make_key
from accounts.models import Account, User
from accounts.scopes import require_scope
from tests.accounts.people import new_key

pytestmark = pytest.mark.django_db

GOOD = "xr-live-" + "0" * 43 + "2ZjR7G"


@pytest.mark.parametrize(
    "form", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer Bearer {}", "Bearer bearer  {} "]
)
def test_a_key_is_known_by_its_header(form):
    key, raw = new_key()
    assert authenticate(form.format(raw)) == key_principal.principal_of(key)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer Bearer",
        "Bearer Bearer Bearer " + GOOD,
        GOOD,
        "Basic " + GOOD,
        "Bearer " + GOOD[:-1] + "H",
        "Bearer " + GOOD[:-1],
        "Bearer " + GOOD + "G",
        f"Bearer {GOOD},Bearer {GOOD}",
        f"Bearer {GOOD}, Bearer {GOOD}",
        "Bearer ' OR '1'='1",
        "Bearer '/**/OR/**/'1'='1",
        "Bearer " + GOOD.replace("0", "\0"),
        "Bearer " + GOOD.replace("x", "х"),
        "Bearer " + "я" * 57,
        "Bearer " + "\ud800" * 57,
        "Bearer " + "a" * 65_536,
        "Bearer\t" + GOOD,
    ],
)
def test_what_is_no_key_is_refused_without_a_query(header, django_assert_num_queries):
    with django_assert_num_queries(0), pytest.raises(InvalidCredential):
        authenticate(header)


def test_every_refusal_of_a_credential_is_the_same():
    revoked, revoked_raw = new_key()
    disabled, disabled_raw = new_key()
    issuing.revoke(key=revoked)
    issuing.edit(key=disabled, disabled=True)
    refusals = set()
    for raw in (revoked_raw, disabled_raw, make_key(is_test=False), "garbage", ""):
        with pytest.raises(InvalidCredential) as refusal:
            authenticate(f"Bearer {raw}")
        refusals.add((str(refusal.value), repr(vars(refusal.value))))
    assert len(refusals) == 1


def test_a_change_made_here_holds_at_once():
    key, raw = new_key()
    assert authenticate(f"Bearer {raw}").label == "shell"
    issuing.edit(key=key, name="office")
    assert authenticate(f"Bearer {raw}").label == "office"
    issuing.edit(key=key, disabled=True)
    with pytest.raises(InvalidCredential):
        authenticate(f"Bearer {raw}")
    issuing.edit(key=key, disabled=False)
    assert authenticate(f"Bearer {raw}")
    issuing.revoke(key=key)
    with pytest.raises(InvalidCredential):
        authenticate(f"Bearer {raw}")


def test_a_suspended_account_is_told_so_until_it_is_resumed():
    key, raw = new_key()
    account = Account.objects.get(pk=key.account_id)
    authenticate(f"Bearer {raw}")
    suspension.suspend(account=account, reason="spam")
    with pytest.raises(AccountSuspended):
        authenticate(f"Bearer {raw}")
    suspended_at = account.suspended_at
    suspension.suspend(account=account, reason="spam")
    assert account.suspended_at == suspended_at
    suspension.resume(account=account)
    assert account.suspended_at is None
    assert authenticate(f"Bearer {raw}")


def test_a_person_who_is_shut_out_takes_their_keys_along():
    key, raw = new_key()
    authenticate(f"Bearer {raw}")
    suspension.set_active(user=key.user, is_active=False)
    with pytest.raises(AccountSuspended):
        authenticate(f"Bearer {raw}")
    suspension.set_active(user=key.user, is_active=True)
    assert authenticate(f"Bearer {raw}")


def test_a_colleagues_key_stops_with_the_owner_of_the_account():
    key, _ = new_key()
    colleague = User.objects.create_user("pierre@example.ru")
    theirs, raw = issuing.issue(account=key.account, user=colleague, name="pierre's")
    authenticate(f"Bearer {raw}")
    suspension.set_active(user=key.user, is_active=False)
    with pytest.raises(AccountSuspended):
        authenticate(f"Bearer {raw}")
    assert theirs.user == colleague


def test_a_revoked_key_of_a_suspended_account_is_a_bad_key():
    key, raw = new_key()
    issuing.revoke(key=key)
    suspension.suspend(account=key.account, reason="spam")
    with pytest.raises(InvalidCredential):
        authenticate(f"Bearer {raw}")


def test_a_credential_must_bear_the_scope():
    key, _ = new_key(scopes=["chat"])
    principal = key_principal.principal_of(key)
    require_scope(principal, "chat")
    with pytest.raises(InsufficientScope) as refusal:
        require_scope(principal, "usage")
    assert refusal.value.scope == "usage"
