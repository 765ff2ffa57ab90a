"""Log-in and log-out: the same answer for everyone who may not, and a fresh session for who may."""

import pytest

from accounts import suspension, users
from accounts.models import User
from tests.accounts.counting_hasher import CountingHasher
from tests.accounts.let_in import is_live, live_token
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import (
    OTHER_PASSWORD,
    PASSWORD,
    browser,
    is_logged_in,
    log_in,
    text_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def natasha() -> User:
    return users.register(email="Natasha@example.ru", password=PASSWORD).owner


@pytest.mark.parametrize("spelling", [NATASHA, "NATASHA@EXAMPLE.RU", " ｎａｔａｓｈａ@example.ru "])
def test_any_spelling_of_the_address_opens_the_same_account(natasha, spelling):
    client = browser()
    assert log_in(client, email=spelling).headers["Location"] == "/cabinet/"
    assert client.get("/accounts/").wsgi_request.user == natasha


def test_unknown_people_wrong_passwords_and_missing_ones_are_one_answer_and_one_work(
    settings, natasha
):
    settings.PASSWORD_HASHERS = ["tests.accounts.counting_hasher.CountingHasher"]
    natasha.set_password(PASSWORD)
    natasha.save()
    users.register(email="nopassword@example.ru")
    suspension.set_active(
        user=users.register(email="shutout@example.ru", password=PASSWORD).owner, is_active=False
    )
    seen = []
    for email in (NATASHA, "nobody@example.ru", "nopassword@example.ru", "shutout@example.ru"):
        before = CountingHasher.calls
        answer = log_in(browser(), email=email, password="wrong password")
        page = text_of(answer).replace(email, "ADDRESS")
        seen.append((answer.status_code, page, CountingHasher.calls - before))
    assert seen[0][0] == 422
    assert "The e-mail or the password is wrong." in seen[0][1]
    assert seen[0][2] == 1
    assert seen == [seen[0]] * 4


def test_whoever_is_shut_out_and_knows_the_password_is_told_so(natasha):
    suspension.set_active(user=natasha, is_active=False)
    client = browser()
    answer = log_in(client)
    assert answer.headers["Location"] == "/accounts/inactive/"
    assert not is_logged_in(client)
    assert "account is closed" in text_of(client.get("/accounts/inactive/"))


def test_a_session_ends_when_its_person_is_shut_out(natasha):
    client = browser()
    log_in(client)
    suspension.set_active(user=natasha, is_active=False)
    assert not is_logged_in(client)


def test_the_session_is_a_new_one_after_log_in(natasha):
    client = browser()
    client.get("/accounts/login/")
    session = client.session
    session["planted"] = True
    session.save()
    planted = str(session.session_key)
    client.cookies["sessionid"] = planted
    log_in(client)
    assert client.cookies["sessionid"].value != planted
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example/",
     "javascript:alert(1)", "/\r\nSet-Cookie: a=b", "/%0d%0a\r\n", "\thttps://evil.example", "evil",
     "http://localhost:8000@evil.example/", "///evil.example", "/\x00", "/\u200b/evil.example"],
)  # fmt: skip
def test_what_leads_elsewhere_leads_to_the_cabinet(natasha, target):
    assert log_in(browser(), next=target).headers["Location"] == "/cabinet/"
    client = browser()
    client.force_login(natasha)
    assert client.post("/accounts/logout/", {"next": target}).headers["Location"] == "/"


def test_a_path_of_ours_is_gone_to(natasha):
    target = "/cabinet/usage/?from=2026-11-01&модель=да"
    assert log_in(browser(), next=target).headers["Location"].startswith("/cabinet/usage/?from=")


def test_logging_out_ends_this_session_and_what_applications_may(natasha):
    token = live_token(natasha)
    client, phone = browser(), browser()
    log_in(client)
    log_in(phone)
    assert client.get("/accounts/logout/").status_code == 200
    assert is_logged_in(client)
    assert client.post("/accounts/logout/").headers["Location"] == "/"
    assert not is_logged_in(client)
    assert is_logged_in(phone)
    assert not is_live(token)


def test_a_new_password_ends_other_sessions_and_tokens_but_not_this_one(natasha):
    token = live_token(natasha)
    client, phone = browser(), browser()
    log_in(client)
    log_in(phone)
    answer = client.post(
        "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": OTHER_PASSWORD}
    )
    assert answer.headers["Location"] == "/accounts/"
    assert is_logged_in(client)
    assert not is_logged_in(phone)
    assert not is_live(token)
    assert log_in(browser(), password=PASSWORD).status_code == 422
    assert log_in(browser(), password=OTHER_PASSWORD).status_code == 302


def test_the_present_password_is_asked_for(natasha):
    client = browser()
    log_in(client)
    answer = client.post(
        "/accounts/password/change/", {"oldpassword": "wrong", "password1": OTHER_PASSWORD}
    )
    assert answer.status_code == 422
    assert "not your present password" in text_of(answer)
    natasha.refresh_from_db()
    assert natasha.check_password(PASSWORD)


def test_pages_of_an_account_are_not_kept_by_caches(natasha):
    client = browser()
    log_in(client)
    assert "no-store" in client.get("/accounts/").headers["Cache-Control"]


def test_strangers_are_sent_to_log_in_and_back():
    answer = browser().get("/accounts/email/")
    assert answer.headers["Location"] == "/accounts/login/?next=/accounts/email/"
