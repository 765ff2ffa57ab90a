"""Mails of sign-in: over SMTP, with links to PUBLIC_URL, and what happens when none goes out."""

import re
import socket

import pytest
from allauth.account.models import EmailAddress

from accounts import users
from accounts.models import User
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import (
    PASSWORD,
    ask_for_password,
    browser,
    is_logged_in,
    log_in,
    sign_up,
    text_of,
)
from tests.accounts.smtp_server import smtp_server
from xrouter_site.log_format import redact

pytestmark = pytest.mark.django_db


@pytest.fixture
def _by_smtp(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_TIMEOUT = 20


@pytest.mark.usefixtures("_by_smtp")
def test_links_lead_to_public_url_whatever_host_was_asked(settings):
    settings.PUBLIC_URL = "https://api.example.ru"
    settings.ALLOWED_HOSTS = ["*"]
    users.register(email="pierre@example.ru")
    foreign = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    client = browser()
    client.defaults |= {"HTTP_HOST": foreign["host"], "HTTP_X_FORWARDED_HOST": "evil.example"}
    with smtp_server() as (port, taken):
        settings.EMAIL_PORT = port
        sign_up(client)
        sign_up(client, email="pierre@example.ru")
        ask_for_password(client, "pierre@example.ru")
        ask_for_password(client, "nobody@example.ru")
    assert [message["To"] for message in taken] == [
        NATASHA,
        "pierre@example.ru",
        "pierre@example.ru",
        "nobody@example.ru",
    ]
    for message in taken:
        text = message.get_content()
        links = re.findall(r"\S+://\S+", text)
        assert links
        assert all(link.startswith("https://api.example.ru") for link in links), text
        assert "evil" not in message.as_string()


@pytest.mark.usefixtures("_by_smtp")
def test_the_link_of_a_real_mail_logs_in(settings):
    client = browser()
    with smtp_server() as (port, taken):
        settings.EMAIL_PORT = port
        sign_up(client)
    link = re.search(r"http\S+/accounts(/confirm-email/\S+)", taken[0].get_content())
    assert link is not None
    client.get(f"/accounts{link[1]}")
    assert is_logged_in(client)


@pytest.fixture
def no_mail_server(settings, _by_smtp):
    with socket.socket() as taken:  # bound and deaf: the port is nobody else's, and refuses
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = taken.getsockname()[1]
        yield


def unsent(answer) -> bool:
    return answer.status_code == 503 and "The mail was not sent" in text_of(answer)


@pytest.mark.usefixtures("no_mail_server")
def test_a_sign_up_whose_mail_does_not_go_out_is_not_lost(settings):
    client = browser()
    answer = sign_up(client)
    assert unsent(answer)
    assert "Retry-After" in answer.headers
    assert User.objects.get().check_password(PASSWORD)
    assert unsent(log_in(client))
    with smtp_server() as (port, taken):
        settings.EMAIL_PORT = port
        assert log_in(client).headers["Location"] == "/accounts/confirm-email/"
    assert len(taken) == 1


@pytest.mark.usefixtures("no_mail_server")
def test_all_who_wait_for_a_mail_are_told_alike(settings):
    users.register(email="pierre@example.ru", password=PASSWORD)
    pages = set()
    for email in ("pierre@example.ru", "nobody@example.ru"):
        for answer in (ask_for_password(browser(), email), sign_up(browser(), email=email)):
            assert unsent(answer)
            page = re.sub(r"[0-9a-f]{32}", "NUMBER", text_of(answer))
            pages.add(re.sub(r"\s*Русский\s*", " ", page))
    assert len(pages) == 1


@pytest.mark.usefixtures("no_mail_server")
def test_failed_mails_do_not_use_up_the_mails_that_one_may_ask_for(settings):
    users.register(email=NATASHA)
    assert all(unsent(ask_for_password(browser())) for _ in range(7))
    assert all(unsent(sign_up(browser())) for _ in range(7))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_mail_server")
def test_what_was_done_stays_done_when_the_news_of_it_does_not_go_out():
    user = users.register(email=NATASHA, password=PASSWORD).owner
    client = browser()
    log_in(client)
    answer = client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "another horse battery"},
    )
    assert answer.headers["Location"] == "/accounts/"
    user.refresh_from_db()
    assert user.check_password("another horse battery")


@pytest.mark.usefixtures("no_mail_server")
def test_a_wish_for_another_address_waits_for_its_mail(settings):
    users.register(email=NATASHA, password=PASSWORD)
    client = browser()
    log_in(client)
    wish = {"email": "countess@example.ru"}
    assert unsent(client.post("/accounts/email/", wish | {"action_add": ""}))
    assert EmailAddress.objects.filter(email="countess@example.ru").exists()
    with smtp_server() as (port, taken):
        settings.EMAIL_PORT = port
        client.post("/accounts/email/", wish | {"action_send": ""})
    assert taken[0]["To"] == "countess@example.ru"


def test_a_link_behind_the_word_password_is_no_password_to_the_log():
    link = "If it was not you, change your password: http://localhost:8000/cabinet/connections/"
    assert redact(link) == link
    for secret in ("password: hunter2", '{"password": "hunter2"}', "a=1&password=hunter2"):
        assert "hunter2" not in redact(secret)
