"""A forgotten password: the mail goes to the address on record, and its link changes everything."""

import json
import logging

import pytest
from django.core import mail

from accounts import suspension, users
from accounts.models import User
from tests.accounts.counting_hasher import CountingHasher
from tests.accounts.let_in import is_live, live_token
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import (
    OTHER_PASSWORD,
    PASSWORD,
    ask_for_password,
    browser,
    is_logged_in,
    link_in_mail,
    log_in,
    mail_text,
    new_password,
    sign_up,
    text_of,
)
from xrouter_site.log_format import JSONLines
from xrouter_site.request_log import request_log

pytestmark = pytest.mark.django_db
KEY_PATH = "/accounts/password/reset/key/"


@pytest.fixture
def natasha() -> User:
    return users.register(email="Natasha@example.ru", password=PASSWORD).owner


def test_the_link_sets_a_password_logs_in_and_ends_all_else(natasha):
    token = live_token(natasha)
    elsewhere, client = browser(), browser()
    log_in(elsewhere)
    ask_for_password(client)
    assert new_password(client).headers["Location"] == "/cabinet/"
    assert is_logged_in(client)
    assert not is_logged_in(elsewhere)
    assert not is_live(token)
    natasha.refresh_from_db()
    assert natasha.check_password(OTHER_PASSWORD)


@pytest.mark.django_db(transaction=True)
def test_the_person_is_told_that_the_password_was_changed(natasha):
    client = browser()
    ask_for_password(client)
    new_password(client)
    assert mail.outbox[-1].to == [NATASHA]
    assert "was changed" in mail_text()
    assert "From the address: 127.0.0.1" in mail_text()


def test_the_link_works_once_and_its_key_stays_out_of_the_address_bar(natasha):
    client = browser()
    ask_for_password(client)
    link = link_in_mail(KEY_PATH)
    assert client.get(link).headers["Location"].endswith("-set-password/")
    new_password(client)
    page = browser().get(link)
    assert "does not work any more" in text_of(page)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_without_a_mail_server_the_link_is_read_in_the_log(natasha, settings, caplog, language):
    settings.EMAIL_BACKEND = "xrouter_site.log_mail.LogBackend"
    client = browser(language)
    with caplog.at_level(logging.INFO):
        ask_for_password(client)
    [line] = [
        JSONLines().format(record) for record in caplog.records if record.name.endswith("log_mail")
    ]
    assert KEY_PATH in json.loads(line)["message"]


def test_the_log_of_requests_bears_no_key_of_a_link(natasha, capsys, caplog):
    client = browser()
    ask_for_password(client)
    link = link_in_mail(KEY_PATH)
    with caplog.at_level(logging.INFO, logger="xrouter.request"):
        client.get(link)
        request_log.flush()
    written = capsys.readouterr().err
    assert link.removeprefix(KEY_PATH) not in written
    assert f"GET {KEY_PATH}[redacted]/ 302" in written


@pytest.mark.parametrize("key", ["1-abc", "zzzzzzzzzzzzzz-abc", "1-" + "a" * 3000, "0-x/y"])
def test_what_is_no_link_is_told_so(key):
    assert "does not work any more" in text_of(browser().get(f"{KEY_PATH}{key}/"))


def test_known_and_unknown_addresses_get_one_answer_and_one_mail_each(settings, natasha):
    settings.PASSWORD_HASHERS = ["tests.accounts.counting_hasher.CountingHasher"]
    shut_out = users.register(email="shutout@example.ru", password=PASSWORD).owner
    suspension.set_active(user=shut_out, is_active=False)
    seen = []
    for email in (NATASHA, "nobody@example.ru", "shutout@example.ru"):
        client = browser()
        before = CountingHasher.calls, len(mail.outbox)
        answer = ask_for_password(client, email)
        work = CountingHasher.calls - before[0], len(mail.outbox) - before[1]
        page = text_of(client.get(answer.headers["Location"]))
        seen.append(
            (answer.status_code, answer.headers["Location"], set(client.cookies), page, work)
        )
        assert mail.outbox[-1].to == [email]
    assert seen == [seen[0]] * 3
    assert "no account" in mail_text()


@pytest.mark.parametrize("typed", ["NATASHA@example.ru", "ｎａｔａｓｈａ@example.ru"])
def test_the_mail_goes_to_the_address_on_record_not_to_what_was_typed(natasha, typed):
    ask_for_password(browser(), typed)
    assert mail.outbox[-1].to == [NATASHA]


def test_a_twin_domain_gets_nothing():
    users.register(email="natasha@straße.example.ru")
    ask_for_password(browser(), "natasha@strasse.example.ru")
    assert mail.outbox[-1].to == ["natasha@straße.example.ru"]


def test_a_wish_for_an_address_gives_nobody_the_key_to_the_wishers_account(natasha):
    client = browser()
    log_in(client)
    client.post("/accounts/email/", {"email": "pierre@example.ru", "action_add": ""})
    ask_for_password(browser(), "pierre@example.ru")
    assert "no account" in mail_text()


def test_a_person_without_a_password_gets_one_this_way():
    users.register(email=NATASHA)
    client = browser()
    ask_for_password(client)
    new_password(client)
    assert is_logged_in(client)


def test_the_link_confirms_the_address_that_it_was_sent_to():
    sign_up(browser())
    client = browser()
    ask_for_password(client)
    assert new_password(client).headers["Location"] == "/cabinet/"
    assert is_logged_in(client)


def test_a_reset_lifts_the_ban_that_failed_log_ins_brought(natasha):
    for _ in range(11):
        answer = log_in(browser(), password="wrong")
    assert answer.status_code == 429
    client = browser()
    ask_for_password(client)
    new_password(client)
    assert log_in(browser(), password=OTHER_PASSWORD).status_code == 302


def test_a_link_to_anothers_new_password_leaves_their_applications_alone(natasha):
    pierre = users.register(email="pierre@example.ru").owner
    token = live_token(pierre)
    client = browser()
    client.force_login(pierre)
    ask_for_password(browser())
    client.get(client.get(link_in_mail(KEY_PATH)).headers["Location"])
    assert not is_logged_in(client)
    assert is_live(token)
