"""/v1/keys: what an application with the scope `keys` may do to the keys of its user's account."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import issuing
from accounts.keys.key_format import digest_of, well_formed
from accounts.models import APIKey
from accounts.oauth import revocation
from accounts.users import own_account
from billing.models import Spending
from gateway.api.endpoints.keys import KEYS_ON_A_PAGE
from infra.moscow_time import moscow_day
from tests.accounts.oauth_clients import ask, person
from tests.accounts.people import new_key
from tests.api.documented import check
from tests.api.keys_callers import ANNA, KeysCaller, caller, refused

__all__ = ["caller"]

pytestmark = pytest.mark.django_db


def test_a_key_is_made_and_its_text_is_shown_once(caller):
    created = caller.create()
    raw = created["key"]
    assert well_formed(raw)
    assert raw.startswith("xr-live-")
    key = APIKey.objects.get(digest=created["data"]["hash"])
    assert key.digest == digest_of(raw)
    assert (key.account, key.user) == (own_account(person()), person())
    assert (key.application, key.made_by) == (caller.app.application, "Заметки")
    assert created["data"]["label"] == f"{raw[:12]}…{raw[-4:]}"
    assert ask(raw).status_code == 200
    assert ask(raw, "/v1/keys").status_code == 403
    for response in (caller.call("GET"), caller.call("GET", f"/{key.hash}")):
        assert raw not in response.content.decode()


def test_a_name_is_enough_and_nothing_bounds_the_key(caller):
    card = caller.create()["data"]
    assert {name: card[name] for name in card if name not in {"hash", "label", "created_at"}} == {
        "name": "Продажи",
        "disabled": False,
        "limit": None,
        "limit_remaining": None,
        "limit_reset": None,
        "usage": 0,
        "last_used_at": None,
        "last_used_network": None,
        "expires_at": None,
        "frozen_at": None,
        "concurrency": None,
        "allowed_models": None,
        "allowed_ips": None,
        "rate_limit": None,
        "test": False,
    }


def test_all_settings_reach_the_key(caller):
    created = caller.create(
        limit=12.5,
        limit_reset="weekly",
        disabled=True,
        allowed_models=["gigachat-2", "yandexgpt"],
        allowed_ips=["203.0.113.7", "10.0.0.0/8"],
        rate_limit={"requests": 10, "interval": "1m"},
        concurrency=3,
        expires_at="2100-01-31T12:00:00.5+03:00",
        test=True,
    )
    assert created["key"].startswith("xr-test-")
    card = created["data"]
    assert (card["limit"], card["limit_remaining"], card["limit_reset"]) == (12.5, 12.5, "weekly")
    assert card["allowed_models"] == ["gigachat-2", "yandexgpt"]
    assert card["allowed_ips"] == ["203.0.113.7/32", "10.0.0.0/8"]
    assert card["rate_limit"] == {"requests": 10, "interval": "1m"}
    assert (card["concurrency"], card["expires_at"]) == (3, "2100-01-31T09:00:00.500000+00:00")
    assert card["test"] is card["disabled"] is True
    key = APIKey.objects.get()
    assert (key.limit_nano, key.rate_requests, key.rate_window_s) == (12_500_000_000, 10, 60)
    assert ask(created["key"]).status_code == 401


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2100-01-31T12:00:00.123456789Z", "2100-01-31T12:00:00.123456+00:00"),
        ("2100-01-31t12:00:00.1-00:00", "2100-01-31T12:00:00.100000+00:00"),
        ("2100-01-01T00:30:00.000000000+14:00", "2099-12-31T10:30:00+00:00"),
    ],
)
def test_a_keys_expiry_may_have_any_number_of_digits_behind_the_second(caller, given, shown):
    assert caller.create(expires_at=given)["data"]["expires_at"] == shown


@pytest.mark.parametrize(
    ("limit", "nano"),
    [
        (0, 0),
        (1, 10**9),
        (0.1, 10**8),
        (1e-9, 1),
        (123456.789, 123_456_789_000_000),
        (10**9, 10**18),
        ("0.1", 10**8),
        ("123456789.123456789", 123_456_789_123_456_789),
    ],
)
def test_a_limit_is_kept_and_printed_exactly(caller, limit, nano):
    created = caller.create(limit=limit)
    assert APIKey.objects.get().limit_nano == nano
    text = caller.call("GET", f"/{created['data']['hash']}").content.decode()
    whole, fraction = divmod(nano, 10**9)
    printed = f"{whole}.{fraction:09d}".rstrip("0").rstrip(".")
    assert f'"limit":{printed},' in text


def test_spending_counts_against_the_limit(caller):
    created = caller.create(limit=2)
    key = APIKey.objects.get()
    Spending.objects.create(
        credential_kind="key",
        credential_id=key.pk,
        day=moscow_day(timezone.now()),
        spent_nano=500_000_001,
    )
    text = caller.call("GET", f"/{created['data']['hash']}").content.decode()
    assert '"usage":0.500000001,' in text
    assert '"limit_remaining":1.499999999,' in text


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": 7}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"name": "a" * 1_000_000}, "name"),
        ({"limit": -1}, "limit"),
        ({"limit": 1e-10}, "limit"),
        ({"limit": 0.30000000000000004}, "limit"),
        ({"limit": 1e308}, "limit"),
        ({"limit": 10**9 + 1}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": "much"}, "limit"),
        ({"limit": "1e3"}, "limit"),
        ({"limit": "١"}, "limit"),
        ({"limit": [1]}, "limit"),
        ({"limit_reset": "yearly"}, "limit_reset"),
        ({"limit_reset": 1}, "limit_reset"),
        ({"disabled": "maybe"}, "disabled"),
        ({"test": 1}, "test"),
        ({"allowed_models": {"a": 1}}, "allowed_models"),
        ({"allowed_models": []}, "allowed_models"),
        ({"allowed_ips": []}, "allowed_ips"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 501}, "concurrency"),
        ({"concurrency": True}, "concurrency"),
        ({"expires_at": "2100-01-31T12:00:00"}, "expires_at"),
        ({"expires_at": "2100-01-31"}, "expires_at"),
        ({"expires_at": "21000131T120000Z"}, "expires_at"),
        ({"expires_at": "2100-02-31T12:00:00Z"}, "expires_at"),
        ({"expires_at": "2001-01-31T12:00:00Z"}, "expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+23:59"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:59"}, "expires_at"),
        ({"expires_at": 4105090800}, "expires_at"),
        ({"allowed_models": [""]}, "allowed_models"),
        ({"allowed_models": ["a\tb"]}, "allowed_models"),
        ({"allowed_models": ["a"] * 101}, "allowed_models"),
        ({"allowed_ips": ["everyone"]}, "allowed_ips"),
        ({"allowed_ips": ["10.0.0.0/33"]}, "allowed_ips"),
        ({"rate_limit": 5}, "rate_limit"),
        ({"rate_limit": {}}, "rate_limit.requests"),
        ({"rate_limit": {"requests": 5}}, "rate_limit.interval"),
        ({"rate_limit": {"requests": 0, "interval": "1s"}}, "rate_limit.requests"),
        ({"rate_limit": {"requests": 2**31, "interval": "1s"}}, "rate_limit.requests"),
        ({"rate_limit": {"requests": 5, "interval": "1h"}}, "rate_limit.interval"),
    ],
)
def test_a_wrong_field_is_refused_by_the_callers_name_for_it(caller, body, param):
    whole = body if param == "name" else {"name": "Продажи"} | body
    refused(caller.call("POST", body=whole), 400, "invalid_parameter", param)
    assert not APIKey.objects.exists()


@pytest.mark.parametrize("field", ["user_id", "scopes", "concurency", "key"])
@pytest.mark.parametrize("value", [1, None])
def test_an_unknown_field_is_refused_lest_a_misspelt_bound_be_thought_to_hold(caller, field, value):
    created = caller.create()
    path = f"/{created['data']['hash']}"
    refused(caller.call("POST", body={"name": "a", field: value}), 400, "invalid_parameter", field)
    refused(caller.call("PATCH", path, {field: value}), 400, "invalid_parameter", field)
    refused(caller.call("POST", f"{path}/rotate", {field: value}), 400, "invalid_parameter", field)
    crowd = {"name": "a"} | {f"x{number}": 1 for number in range(100)}
    assert caller.call("POST", body=crowd).status_code == 400
    assert APIKey.objects.count() == 1


def test_the_list_has_all_keys_of_the_account_the_newest_first(caller):
    own, _ = new_key()
    caller.create(name="второй")
    caller.create(name="третий", disabled=True)
    revoked, _ = new_key()
    issuing.revoke(key=revoked)
    new_key(ANNA)
    response = caller.call("GET")
    check(response.json(), "KeyList")
    assert [card["name"] for card in response.json()["data"]] == ["третий", "второй", "shell"]
    assert response.json()["data"][-1]["hash"] == own.hash
    enabled = caller.call("GET", query="?include_disabled=false").json()["data"]
    assert [card["name"] for card in enabled] == ["второй", "shell"]


def test_the_list_is_read_page_by_page_in_few_statements(caller, django_assert_max_num_queries):
    for _ in range(KEYS_ON_A_PAGE + 3):
        new_key(limit_nano=5)
    caller.call("GET")
    with django_assert_max_num_queries(6):
        first = caller.call("GET").json()["data"]
    rest = caller.call("GET", query=f"?offset={KEYS_ON_A_PAGE}").json()["data"]
    assert (len(first), len(rest)) == (KEYS_ON_A_PAGE, 3)
    assert not {card["hash"] for card in first} & {card["hash"] for card in rest}
    assert caller.call("GET", query="?offset=2000000").json() == {"data": []}


@pytest.mark.parametrize("offset", ["-1", "x", "1.5", "99999999999999999999", "%00"])
def test_a_wrong_offset_is_refused(caller, offset):
    refused(caller.call("GET", query=f"?offset={offset}"), 400, "invalid_parameter", "offset")


def test_a_change_touches_what_it_names(caller):
    created = caller.create(limit=5, allowed_models=["gigachat-2"])
    path = f"/{created['data']['hash']}"
    response = caller.call("PATCH", path, {"name": "Новое", "disabled": True})
    assert response.status_code == 200
    check(response.json(), "ManagedKey")
    assert response.json()["data"] == created["data"] | {"name": "Новое", "disabled": True}
    assert ask(created["key"]).status_code == 401
    back = caller.call("PATCH", path, {"disabled": False}).json()["data"]
    assert (back["name"], back["limit"]) == ("Новое", 5)
    assert ask(created["key"]).status_code == 200


def test_null_takes_a_bound_away_and_leaves_what_must_be_there(caller):
    created = caller.create(
        limit=5,
        limit_reset="daily",
        allowed_models=["gigachat-2"],
        allowed_ips=["10.0.0.1"],
        rate_limit={"requests": 1, "interval": "1d"},
        concurrency=1,
        expires_at="2100-01-31T12:00:00Z",
    )
    bounds = (
        *("limit", "limit_reset", "allowed_models", "allowed_ips"),
        *("rate_limit", "concurrency", "expires_at"),
    )
    nulls = dict.fromkeys((*bounds, "name", "disabled"))
    card = caller.call("PATCH", f"/{created['data']['hash']}", nulls).json()["data"]
    assert [card[name] for name in bounds] == [None] * 7
    assert (card["name"], card["disabled"]) == ("Продажи", False)


def test_the_kind_of_a_key_is_for_good(caller):
    created = caller.create()
    path = f"/{created['data']['hash']}"
    refused(caller.call("PATCH", path, {"test": True}), 400, "invalid_parameter", "test")
    assert caller.call("GET", path).json()["data"]["test"] is False


def test_an_empty_change_changes_nothing(caller):
    created = caller.create()
    response = caller.call("PATCH", f"/{created['data']['hash']}", {})
    assert response.json()["data"] == created["data"]


def test_a_deleted_key_opens_nothing_and_is_gone(caller):
    created = caller.create()
    path = f"/{created['data']['hash']}"
    assert ask(created["key"]).status_code == 200
    response = caller.call("DELETE", path)
    assert response.status_code == 200
    check(response.json(), "RevokedKey")
    assert response.json()["data"]["deleted"] is True
    assert ask(created["key"]).status_code == 401
    for method in ("GET", "PATCH", "DELETE"):
        answer = caller.call(method, path, {} if method == "PATCH" else None)
        refused(answer, 404, "not_found")
        assert answer.json()["error"]["message"] == "There is no such key."
    assert caller.call("GET").json() == {"data": []}


def test_anothers_key_is_as_unknown_as_none(caller):
    foreign, raw = new_key(ANNA)
    for method in ("GET", "PATCH", "DELETE"):
        body = {"disabled": True} if method == "PATCH" else None
        answers = {
            caller.call(method, f"/{key_hash}", body).content
            for key_hash in (foreign.hash, "0" * 64, "x", "%00", "' OR 1=1", foreign.hash.upper())
        }
        assert len(answers) == 1
    foreign.refresh_from_db()
    assert foreign.revoked_at is None
    assert ask(raw).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_only_a_token_with_the_scope_may_call(method):
    refused(Client().generic(method, "/v1/keys"), 401, "invalid_api_key")
    poor = KeysCaller(scope="chat usage")
    refused(poor.call(method), 403, "insufficient_scope")
    raw = new_key()[1]
    answer = Client().generic(method, "/v1/keys", headers={"Authorization": f"Bearer {raw}"})
    refused(answer, 403, "insufficient_scope")


def test_keys_outlive_the_token_that_made_them(caller):
    raw = caller.create()["key"]
    revocation.revoke_all(user=person())
    assert caller.call("GET").status_code == 401
    assert ask(raw).status_code == 200


def test_keys_of_an_application_that_is_gone_keep_its_name(caller):
    raw = caller.create()["key"]
    caller.app.application.delete()
    key = APIKey.objects.get(digest=digest_of(raw))
    assert (key.application, key.made_by) == (None, "Заметки")
    assert ask(raw).status_code == 200


def test_methods_bodies_and_paths_are_as_everywhere(caller):
    assert caller.call("PUT").status_code == 405
    assert caller.call("DELETE").status_code == 405
    assert caller.call("POST", body="{").status_code == 400
    assert caller.call("POST", body="[]").status_code == 400
    assert caller.call("POST", body='{"name": "\\u0000"}').status_code == 400
    headers = {"Authorization": f"Bearer {caller.token}"}
    assert Client().get("/api/v1/keys/", headers=headers).status_code == 200
    typed = Client().post("/v1/keys", "a=b", content_type="text/plain", headers=headers)
    assert typed.status_code == 415


def test_an_account_with_too_many_keys_gets_no_other(caller, monkeypatch):
    monkeypatch.setattr(issuing, "KEYS_MAX", 1)
    caller.create()
    response = caller.call("POST", body={"name": "Ещё"})
    refused(response, 400, "invalid_request")
    assert response.json()["error"]["message"] == "An account has 1 keys at most. Revoke some."
    assert APIKey.objects.count() == 1


def test_an_expired_key_opens_nothing_and_can_be_given_more_time(caller):
    created = caller.create(expires_at="2100-01-31T12:00:00Z")
    path = f"/{created['data']['hash']}"
    APIKey.objects.update(expires_at=timezone.now())
    assert ask(created["key"]).status_code == 401
    assert caller.call("GET", path).status_code == 200
    assert caller.call("PATCH", path, {"expires_at": None}).status_code == 200
    assert ask(created["key"]).status_code == 200
