"""/v1/keys: what an application with the scope `keys` may do to the keys of its user's account."""

from typing import Any

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from accounts import api_keys
from accounts.key_format import digest_of, well_formed
from accounts.models import APIKey
from accounts.oauth import revocation
from accounts.users import own_account
from billing.models import Spending
from billing.periods import moscow_day
from gateway.api.keys import KEYS_ON_A_PAGE
from tests.accounts.oauth_clients import App, ask, new_app, person
from tests.accounts.people import new_key
from tests.api.documented import check

pytestmark = pytest.mark.django_db

ANNA = "anna@example.ru"


class Caller:
    """An application that a person let manage their keys."""

    def __init__(self, email: str = "natasha@example.ru", scope: str = "keys") -> None:
        self.app: App = new_app()
        self.user = person(email)
        self.token = self.app.token(self.user, scope=scope)

    def call(
        self, method: str, path: str = "", body: Any = None, query: str = "", **headers: str
    ) -> Any:
        return Client().generic(
            method,
            f"/v1/keys{path}{query}",
            body if isinstance(body, str) else orjson.dumps(body) if body is not None else b"",
            content_type="application/json" if body is not None else "",
            headers={"Authorization": f"Bearer {self.token}"} | headers,
        )

    def create(self, **body: Any) -> dict[str, Any]:
        response = self.call("POST", body={"name": "Продажи"} | body)
        assert response.status_code == 201, response.content
        check(response.json(), "CreatedKey")
        made: dict[str, Any] = response.json()
        return made


@pytest.fixture
def caller() -> Caller:
    return Caller()


def refused(response: Any, status: int, code: str, param: str | None = None) -> None:
    assert response.status_code == status, response.content
    check(response.json(), "Error")
    error = response.json()["error"]
    assert (error["code"], error["param"]) == (code, param)


def test_a_key_is_made_and_its_text_is_shown_once(caller):
    made = caller.create()
    raw = made["key"]
    assert well_formed(raw)
    assert raw.startswith("xr-live-")
    key = APIKey.objects.get(digest=made["data"]["hash"])
    assert key.digest == digest_of(raw)
    assert (key.account, key.user) == (own_account(person()), person())
    assert (key.application, key.made_by) == (caller.app.application, "Заметки")
    assert made["data"]["label"] == f"{raw[:12]}…{raw[-4:]}"
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
        "allowed_models": None,
        "allowed_ips": None,
        "rate_limit": None,
        "test": False,
    }


def test_all_settings_reach_the_key(caller):
    made = caller.create(
        limit=12.5,
        limit_reset="weekly",
        disabled=True,
        allowed_models=["gigachat-2", "yandexgpt"],
        allowed_ips=["203.0.113.7", "10.0.0.0/8"],
        rate_limit={"requests": 10, "interval": "1m"},
        test=True,
    )
    assert made["key"].startswith("xr-test-")
    card = made["data"]
    assert (card["limit"], card["limit_remaining"], card["limit_reset"]) == (12.5, 12.5, "weekly")
    assert card["allowed_models"] == ["gigachat-2", "yandexgpt"]
    assert card["allowed_ips"] == ["203.0.113.7/32", "10.0.0.0/8"]
    assert card["rate_limit"] == {"requests": 10, "interval": "1m"}
    assert card["test"] is card["disabled"] is True
    key = APIKey.objects.get()
    assert (key.limit_nano, key.rate_requests, key.rate_window_s) == (12_500_000_000, 10, 60)
    assert ask(made["key"]).status_code == 401


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
    made = caller.create(limit=limit)
    assert APIKey.objects.get().limit_nano == nano
    text = caller.call("GET", f"/{made['data']['hash']}").content.decode()
    whole, fraction = divmod(nano, 10**9)
    printed = f"{whole}.{fraction:09d}".rstrip("0").rstrip(".")
    assert f'"limit":{printed},' in text


def test_spending_counts_against_the_limit(caller):
    made = caller.create(limit=2)
    key = APIKey.objects.get()
    Spending.objects.create(
        credential_kind="key",
        credential_id=key.pk,
        day=moscow_day(timezone.now()),
        spent_nano=500_000_001,
    )
    text = caller.call("GET", f"/{made['data']['hash']}").content.decode()
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


def test_what_means_nothing_is_named_and_has_no_effect(caller):
    body = {
        "name": "a",
        "user_id": person(ANNA).pk,
        "balance": 1,
        "scopes": ["keys"],
        "is_staff": 1,
    }
    response = caller.call("POST", body=body)
    assert response.status_code == 201
    assert response.headers["X-XRouter-Adapted"] == (
        "user_id=ignored, balance=ignored, scopes=ignored, is_staff=ignored"
    )
    key = APIKey.objects.get()
    assert (key.user, sorted(key.scopes)) == (person(), ["chat", "usage"])
    strict = caller.call("POST", body=body, **{"X-XRouter-Strict": "true"})
    refused(strict, 400, "invalid_parameter", "user_id")
    crowd = {"name": "a"} | {f"x{number}": 1 for number in range(100)}
    refused(caller.call("POST", body=crowd), 400, "invalid_parameter")


def test_the_list_has_all_keys_of_the_account_the_newest_first(caller):
    own, _ = new_key()
    caller.create(name="второй")
    caller.create(name="третий", disabled=True)
    revoked, _ = new_key()
    api_keys.revoke(key=revoked)
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
    made = caller.create(limit=5, allowed_models=["gigachat-2"])
    path = f"/{made['data']['hash']}"
    response = caller.call("PATCH", path, {"name": "Новое", "disabled": True})
    assert response.status_code == 200
    check(response.json(), "ManagedKey")
    assert response.json()["data"] == made["data"] | {"name": "Новое", "disabled": True}
    assert ask(made["key"]).status_code == 401
    back = caller.call("PATCH", path, {"disabled": False}).json()["data"]
    assert (back["name"], back["limit"]) == ("Новое", 5)
    assert ask(made["key"]).status_code == 200


def test_null_takes_a_bound_away_and_leaves_what_must_be_there(caller):
    made = caller.create(
        limit=5,
        limit_reset="daily",
        allowed_models=["gigachat-2"],
        allowed_ips=["10.0.0.1"],
        rate_limit={"requests": 1, "interval": "1d"},
    )
    bounds = ("limit", "limit_reset", "allowed_models", "allowed_ips", "rate_limit")
    nulls = dict.fromkeys((*bounds, "name", "disabled"))
    card = caller.call("PATCH", f"/{made['data']['hash']}", nulls).json()["data"]
    assert [card[name] for name in bounds] == [None] * 5
    assert (card["name"], card["disabled"]) == ("Продажи", False)


def test_the_kind_of_a_key_is_for_good(caller):
    made = caller.create()
    response = caller.call("PATCH", f"/{made['data']['hash']}", {"test": True})
    assert response.headers["X-XRouter-Adapted"] == "test=ignored"
    assert response.json()["data"]["test"] is False


def test_an_empty_change_changes_nothing(caller):
    made = caller.create()
    response = caller.call("PATCH", f"/{made['data']['hash']}", {})
    assert response.json()["data"] == made["data"]


def test_a_deleted_key_opens_nothing_and_is_gone(caller):
    made = caller.create()
    path = f"/{made['data']['hash']}"
    assert ask(made["key"]).status_code == 200
    response = caller.call("DELETE", path)
    assert response.status_code == 200
    check(response.json(), "RevokedKey")
    assert response.json()["data"]["deleted"] is True
    assert ask(made["key"]).status_code == 401
    for method in ("GET", "PATCH", "DELETE"):
        refused(caller.call(method, path, {} if method == "PATCH" else None), 404, "not_found")
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
    poor = Caller(scope="chat usage")
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
