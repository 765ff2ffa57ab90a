"""Hostile forms: monstrous fields, addresses that are none, forged posts, markup where a name belongs."""

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from accounts import users
from accounts.models import User
from tests.accounts.counting_hasher import CountingHasher
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import PASSWORD, ask_for_password, browser, log_in, sign_up

pytestmark = pytest.mark.django_db
MEGABYTE = 1_000_000


@pytest.fixture
def client():
    users.register(email=NATASHA, password=PASSWORD)
    client = browser()
    log_in(client)
    return client


@pytest.fixture(autouse=True)
def _counted_work(settings):
    settings.PASSWORD_HASHERS = ["tests.accounts.counting_hasher.CountingHasher"]


@pytest.mark.parametrize("length", [129, 5_000, MEGABYTE])
@pytest.mark.parametrize("letter", ["a", "ﷺ"])
def test_a_password_above_128_characters_is_refused_before_any_work(client, letter, length):
    password = letter * length
    before = CountingHasher.calls
    answers = [
        log_in(browser(), password=password),
        sign_up(browser(), email="new@example.ru", password=password),
        client.post("/accounts/password/change/", {"oldpassword": password, "password1": password}),
        client.post("/accounts/reauthenticate/", {"password": password}),
    ]
    assert {answer.status_code for answer in answers} == {413 if length > 8192 else 422}
    assert CountingHasher.calls == before
    assert User.objects.count() == 1


def test_a_password_of_128_characters_is_taken():
    sign_up(browser(), password="long pass" * 14)
    assert User.objects.get().check_password("long pass" * 14)


@pytest.mark.parametrize("password", ["eleven char", "qwertyqwerty", "123456789012", ""])
def test_a_short_or_common_password_is_refused(password):
    assert sign_up(browser(), password=password).status_code == 422


@pytest.mark.parametrize(
    "email",
    ["", "natasha", "a@b@c", "a\r\nBcc: victim@example.ru@example.ru", "a@example.ru\nBcc: x@y.ru",
     "a\x00@example.ru", '"a b"@exa mple.ru', "a@" + "b" * 300 + ".ru", "ﷺ" * 100 + "@example.ru",
     "аdmin@example.ru", "a\u200b@example.ru", "x" * 5000 + "@example.ru"],
)  # fmt: skip
@pytest.mark.parametrize("send", [sign_up, ask_for_password], ids=["sign-up", "reset"])
def test_what_is_no_address_makes_nobody_and_sends_nothing(send, email):
    assert send(browser(), email).status_code == 422
    assert not User.objects.exists()
    assert not mail.outbox


@pytest.mark.parametrize("path", ["signup", "password/reset", "login", "2fa/authenticate"])
@pytest.mark.parametrize("field", ["email", "login", "next", "code", "unheard_of"])
@pytest.mark.parametrize(("length", "status"), [(20_000, 400), (MEGABYTE, 413)])
def test_a_field_that_is_far_too_long_is_refused_unread(path, field, length, status):
    answer = browser().post(f"/accounts/{path}/", {field: "a" * length})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "path",
    ["login/", "logout/", "signup/", "email/", "confirm-email/", "password/change/",
     "password/reset/", "reauthenticate/", "2fa/totp/activate/", "2fa/recovery-codes/generate/",
     "2fa/totp/deactivate/", "close/"],
)  # fmt: skip
def test_a_post_from_another_site_changes_nothing(path):
    natasha = users.register(email=NATASHA, password=PASSWORD).owner
    client = Client(enforce_csrf_checks=True)
    client.force_login(natasha)
    answer = client.post(f"/accounts/{path}", {"email": "new@example.ru", "action_add": ""})
    assert answer.status_code == 403
    assert client.session["_auth_user_id"] == str(natasha.pk)


@pytest.mark.parametrize("cookie", ["\0" * 32, "\0" + "a" * 31, "a" * 31 + "\n", "é" * 32])
@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/cabinet/"])
def test_what_is_no_session_is_a_strangers(cookie, path):
    client = browser()
    client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert client.get(path).status_code == (302 if path == "/cabinet/" else 200)


@pytest.mark.parametrize("path", ["logout/", "close/", "2fa/totp/deactivate/", "email/"])
def test_a_get_changes_nothing(client, path):
    client.get(f"/accounts/{path}", {"email": "new@example.ru", "action_add": ""})
    natasha = users.find(email=NATASHA)
    assert natasha is not None
    assert natasha.is_active
    assert client.get("/accounts/").status_code == 200


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_markup_in_what_was_typed_stays_text(text):
    for path, form in (
        ("login/", {"login": text, "password": text, "next": text}),
        ("signup/", {"email": text, "password1": text, "next": text}),
        ("password/reset/", {"email": text}),
    ):
        page = browser().post(f"/accounts/{path}", form).content.decode()
        assert text not in page
        page = browser().get(f"/accounts/{path}", {"next": text, "email": text}).content.decode()
        assert text not in page


@pytest.mark.parametrize("text", ["{{7*7}}", "%s%n", "{0.__class__}", "${x}"])
def test_templates_in_what_was_typed_stay_text(text):
    page = browser().post("/accounts/login/", {"login": text, "password": "x"}).content.decode()
    assert text in page


@pytest.mark.django_db(transaction=True)
def test_a_browsers_name_does_not_get_into_mails(client):
    client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "another horse battery"},
        headers={"User-Agent": "<b>call +7 900</b>"},
    )
    assert "was changed" in mail.outbox[-1].body
    assert "call +7 900" not in mail.outbox[-1].body


def test_no_page_of_sign_in_may_be_framed(client):
    for path in ("/accounts/login/", "/accounts/signup/"):
        answer = browser().get(path)
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
