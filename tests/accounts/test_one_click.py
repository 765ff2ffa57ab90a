"""OpenRouter's one-click form: a site that nobody registered gets one key for one code."""

import threading
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts.keys import issuing
from accounts.keys.key_format import digest_of, well_formed
from accounts.models import APIKey, OneClickCode
from accounts.oauth import revocation
from accounts.users import own_account
from tests.accounts.oauth_clients import (
    ask,
    browser_of,
    challenge_of,
    person,
    query_of,
)
from tests.api.documented import check

pytestmark = pytest.mark.django_db

CALLBACK = "https://site.example.ru/back?theme=dark"
VERIFIER = "a-verifier-of-forty-three-characters-or-more"
HANG_S = 60


def address(**changes: str | None) -> str:
    fields = {
        "callback_url": CALLBACK,
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    } | changes
    named = {name: value for name, value in fields.items() if value is not None}
    return f"/auth?{urlencode(named)}"


def new_code(**changes: str | None) -> str:
    response = browser_of(person()).post(address(**changes), {"allow": "yes"})
    assert response.status_code == 302
    return query_of(response)["code"]


def redeem(code: object, verifier: object = VERIFIER, **more: object):
    body = {"code": code, "code_verifier": verifier} | more
    return Client().post("/v1/auth/keys", body, content_type="application/json")


def refused(response, param: str = "code") -> None:
    assert response.status_code == 400, response.content
    assert response.json()["error"]["param"] == param
    check(response.json(), "Error")


def test_a_person_is_asked_in_plain_words():
    response = browser_of(person(), headers={"accept-language": "en"}).get(address())
    page = response.content.decode()
    assert response.status_code == 200
    assert "Give site.example.ru an API key?" in page
    assert "natasha@example.ru" in page
    assert "https://site.example.ru" in response.headers["Content-Security-Policy"]
    assert not OneClickCode.objects.exists()


def test_who_agrees_returns_with_a_code_and_the_callbacks_own_query():
    response = browser_of(person()).post(address(), {"allow": "yes"})
    assert response.headers["Location"].startswith(CALLBACK + "&code=")
    assert set(query_of(response)) == {"theme", "code"}
    assert OneClickCode.objects.get().digest == digest_of(query_of(response)["code"])


def test_who_refuses_returns_without_one():
    response = browser_of(person()).post(address(), {"deny": "yes"})
    assert query_of(response) == {"theme": "dark", "error": "access_denied"}
    assert not OneClickCode.objects.exists()


def test_a_stranger_logs_in_first_and_comes_back():
    response = Client().get(address())
    assert response.headers["Location"].startswith("/accounts/login/?next=/auth%3Fcallback_url")


def test_a_form_of_another_site_agrees_to_nothing():
    browser = browser_of(person(), enforce_csrf_checks=True)
    assert browser.post(address(), {"allow": "yes"}).status_code == 403
    assert not OneClickCode.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"callback_url": None},
        {"callback_url": ""},
        {"callback_url": "http://site.example.ru/"},
        {"callback_url": "javascript:alert(1)"},
        {"callback_url": "//site.example.ru/"},
        {"callback_url": "https://user@site.example.ru/"},
        {"callback_url": "https://site.example.ru/#part"},
        {"callback_url": "https://site.example.ru/?code=mine"},
        {"callback_url": "https://site.example.ru/\0"},
        {"callback_url": "https://site.example.ru/" + "a" * 100_000},
        {"code_challenge": None},
        {"code_challenge": "short"},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_a_wrong_request_leads_nowhere(changes, is_known):
    browser = browser_of(person()) if is_known else Client()
    for response in (
        browser.get(address(**changes)),
        browser.post(address(**changes), {"allow": "1"}),
    ):
        assert response.status_code == 400
        assert response.headers["Content-Type"].startswith("text/html")
        assert "Location" not in response.headers
    assert not OneClickCode.objects.exists()


def test_a_parameter_that_is_twice_leads_nowhere():
    response = browser_of(person()).get(address() + "&callback_url=https://evil.ru/")
    assert response.status_code == 400


@pytest.mark.parametrize("more", [{}, {"code_challenge_method": "S256"}])
def test_a_code_is_good_for_an_ordinary_key_of_the_person(more):
    response = redeem(new_code(), **more)
    assert response.status_code == 200
    check(response.json(), "OneClickKey")
    raw = response.json()["key"]
    assert well_formed(raw)
    assert raw.startswith("xr-live-")
    assert response.json()["user_id"] == str(person().pk)
    key = APIKey.objects.get(digest=digest_of(raw))
    assert key.account == own_account(person())
    assert (key.name, key.made_by, key.application) == ("site.example.ru", "site.example.ru", None)
    assert ask(raw).status_code == 200
    assert ask(raw, "/v1/credits").status_code == 200
    assert ask(raw, "/v1/keys").status_code == 403


def test_a_program_on_this_device_may_be_called_back():
    assert redeem(new_code(callback_url="http://localhost:3000/")).status_code == 200


def test_a_code_that_is_used_again_ends_its_key_and_no_other():
    other = redeem(new_code()).json()["key"]
    code = new_code()
    raw = redeem(code).json()["key"]
    refused(redeem(code))
    assert ask(raw).status_code == 401
    assert ask(other).status_code == 200
    refused(redeem(code))


def test_a_code_lives_a_minute():
    code = new_code()
    life = OneClickCode.objects.get().expires_at - timezone.now()
    assert timedelta(seconds=50) < life <= timedelta(seconds=60)
    OneClickCode.objects.update(expires_at=timezone.now())
    refused(redeem(code))
    new_code()
    assert OneClickCode.objects.count() == 1


def test_all_refusals_of_a_code_are_the_same():
    used, old = new_code(), new_code()
    redeem(used)
    OneClickCode.objects.filter(digest=digest_of(old)).update(expires_at=timezone.now())
    answers = {
        redeem(code, verifier).content
        for code, verifier in (
            ("unknown", VERIFIER),
            (used, VERIFIER),
            (old, VERIFIER),
            (new_code(), "b" * 43),
            (new_code(), "a" * 42),
        )
    }
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("code", "verifier", "more", "param"),
    [
        (None, VERIFIER, {}, "code"),
        ("", VERIFIER, {}, "code"),
        (7, VERIFIER, {}, "code"),
        ("a" * 50_000, VERIFIER, {}, "code"),
        ("x", None, {}, "code_verifier"),
        ("x", "a" * 129, {}, "code_verifier"),
        ("x", [VERIFIER], {}, "code_verifier"),
        ("x", VERIFIER, {"code_challenge_method": "plain"}, "code_challenge_method"),
    ],
)
def test_a_wrong_body_is_refused_by_name(code, verifier, more, param):
    refused(redeem(code, verifier, **more), param)


def test_other_bodies_and_methods_are_refused_as_everywhere():
    post = Client().post
    assert post("/v1/auth/keys", "a=b", content_type="text/plain").status_code == 415
    assert post("/v1/auth/keys", "{", content_type="application/json").status_code == 400
    nul = post("/v1/auth/keys", '{"code": "a\\u0000"}', content_type="application/json")
    assert nul.status_code == 400
    assert Client().get("/v1/auth/keys").status_code == 405
    assert redeem(new_code(), surplus=1).headers["X-XRouter-Adapted"] == "surplus=ignored"
    assert (
        Client().post("/api/v1/auth/keys/", {}, content_type="application/json").status_code == 400
    )


def test_logging_out_ends_the_codes_that_nobody_used():
    code = new_code()
    raw = redeem(new_code()).json()["key"]
    revocation.revoke_all(user=person())
    refused(redeem(code))
    assert ask(raw).status_code == 200


def test_a_key_that_is_revoked_stays_so_when_its_code_comes_again():
    code = new_code()
    raw = redeem(code).json()["key"]
    issuing.revoke(key=APIKey.objects.get(digest=digest_of(raw)))
    refused(redeem(code))
    assert ask(raw).status_code == 401


def test_the_person_is_told_by_mail(mailoutbox):
    new_code()
    [mail] = mailoutbox
    assert mail.to == ["natasha@example.ru"]
    assert "site.example.ru" in mail.body


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_twenty_who_redeem_a_code_at_once_one_is_answered():
    code = new_code()
    barrier = threading.Barrier(20)
    statuses: list[int] = []

    def ask_for_it() -> None:
        barrier.wait(HANG_S)
        try:
            statuses.append(redeem(code).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask_for_it) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    assert sorted(statuses) == [200] + [400] * 19
    assert APIKey.objects.count() == 1


def test_an_account_with_too_many_keys_gets_no_other_and_the_code_stays_good(monkeypatch):
    monkeypatch.setattr(issuing, "KEYS_MAX", 1)
    key = APIKey.objects.get(digest=digest_of(redeem(new_code()).json()["key"]))
    code = new_code()
    response = redeem(code)
    assert response.status_code == 400
    check(response.json(), "Error")
    error = response.json()["error"]
    assert (error["code"], error["param"]) == ("invalid_request", None)
    assert "1 keys at most" in error["message"]
    issuing.revoke(key=key)
    assert redeem(code).status_code == 200
