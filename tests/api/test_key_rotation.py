"""/v1/keys/{hash}/rotate: a key is replaced by a successor."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import suspension
from accounts.errors import AccountSuspended
from accounts.keys import issuing
from accounts.keys.key_format import digest_of
from accounts.models import APIKey
from billing.models import Spending
from infra.moscow_time import moscow_day
from tests.accounts.oauth_clients import ask
from tests.accounts.people import new_key
from tests.api.documented import check
from tests.api.keys_callers import ANNA, caller, refused

__all__ = ["caller"]

pytestmark = pytest.mark.django_db


def rotate(caller, key_hash, **body):
    return caller.call("POST", f"/{key_hash}/rotate", body)


def test_a_successor_has_the_settings_of_the_key_that_it_replaces(caller):
    settings = {
        "limit": 5,
        "limit_reset": "daily",
        "allowed_models": ["gigachat-2"],
        "allowed_ips": ["127.0.0.0/8"],
        "rate_limit": {"requests": 7, "interval": "1d"},
        "concurrency": 2,
        "expires_at": "2100-01-31T12:00:00Z",
        "test": True,
    }
    old = caller.create(**settings)
    response = rotate(caller, old["data"]["hash"], overlap_seconds=604_800)
    assert response.status_code == 201
    check(response.json(), "CreatedKey")
    new = response.json()
    own = ("hash", "label", "created_at")
    assert [new["data"].pop(name) != old["data"].pop(name) for name in own] == [True] * 3
    assert new["data"] == old["data"]
    assert ask(old["key"]).status_code == ask(new["key"]).status_code == 200
    ends_at = APIKey.objects.get(digest=digest_of(old["key"])).expires_at
    assert ends_at is not None
    assert timedelta(days=6, hours=23) < ends_at - timezone.now() <= timedelta(days=7)
    key = APIKey.objects.get(digest=digest_of(new["key"]))
    assert (key.application, key.made_by) == (caller.app.application, "Заметки")


def test_without_an_overlap_the_old_key_ends_with_the_rotation(caller):
    old = caller.create()
    assert ask(old["key"]).status_code == 200
    new = rotate(caller, old["data"]["hash"]).json()
    assert ask(old["key"]).status_code == 401
    assert ask(new["key"]).status_code == 200


def test_an_overlap_never_gives_a_key_more_time_than_it_had(caller):
    old = caller.create(expires_at=(timezone.now() + timedelta(hours=1)).isoformat())
    rotate(caller, old["data"]["hash"], overlap_seconds=604_800)
    card = caller.call("GET", f"/{old['data']['hash']}").json()["data"]
    assert card["expires_at"] == old["data"]["expires_at"]


def test_a_key_that_has_ended_or_been_replaced_is_not_rotated(caller):
    revoked, expired, replaced = (caller.create()["data"]["hash"] for _ in range(3))
    caller.call("DELETE", f"/{revoked}")
    APIKey.objects.filter(digest=expired).update(expires_at=timezone.now())
    assert rotate(caller, replaced, overlap_seconds=60).status_code == 201
    for key_hash in (revoked, expired, replaced):
        refused(rotate(caller, key_hash), 409, "conflict")
    for key_hash in ("0" * 64, "x"):
        refused(rotate(caller, key_hash), 404, "not_found")
    others, _ = new_key(ANNA)
    refused(rotate(caller, others.hash), 404, "not_found")
    assert APIKey.objects.count() == 5


@pytest.mark.parametrize("overlap", [-1, 604_801, 1.5, "x", True, []])
def test_a_wrong_overlap_is_refused(caller, overlap):
    created = caller.create()
    response = rotate(caller, created["data"]["hash"], overlap_seconds=overlap)
    refused(response, 400, "invalid_parameter", "overlap_seconds")
    assert ask(created["key"]).status_code == 200


def test_a_successor_has_what_is_left_of_the_budget_and_both_draw_on_it(caller):
    first = caller.create(limit=10)["data"]["hash"]
    second = rotate(caller, first, overlap_seconds=60).json()["data"]["hash"]
    third = rotate(caller, second, overlap_seconds=60).json()["data"]["hash"]
    for key_hash in (first, second, third):
        spend(key_hash, 2)
    left = [
        caller.call("GET", f"/{key_hash}").json()["data"]["limit_remaining"]
        for key_hash in (first, second, third)
    ]
    assert left == [4, 4, 4]
    used = caller.call("GET", f"/{third}").json()["data"]["usage"]
    assert used == 2


def spend(key_hash, credits_spent):
    Spending.objects.create(
        credential_kind="key",
        credential_id=APIKey.objects.get(digest=key_hash).pk,
        day=moscow_day(timezone.now()),
        spent_nano=credits_spent * 10**9,
    )


def test_a_suspended_account_makes_and_rotates_no_key():
    key, _ = new_key()
    suspension.suspend(account=key.account, reason="spam")
    with pytest.raises(AccountSuspended):
        new_key()
    with pytest.raises(AccountSuspended):
        issuing.rotate(key=key, overlap_s=0)
