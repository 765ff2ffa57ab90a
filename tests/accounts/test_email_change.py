"""Another e-mail: the old one serves until the new one is confirmed, and everything follows then."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail

from accounts import users
from accounts.models import Account, User
from tests.accounts.let_in import is_live, live_token
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import (
    PASSWORD,
    ask_for_password,
    browser,
    enrol,
    is_logged_in,
    link_in_mail,
    log_in,
    mail_text,
    text_of,
)

pytestmark = pytest.mark.django_db
NEW = "countess@example.ru"


@pytest.fixture
def natasha() -> User:
    return users.register(email=NATASHA, password=PASSWORD).owner


@pytest.fixture
def client(natasha):
    client = browser()
    log_in(client)
    return client


def wish(client, email=NEW):
    return client.post("/accounts/email/", {"email": email, "action_add": ""})


def test_the_new_address_takes_over_when_its_link_is_opened(client, natasha):
    token = live_token(natasha)
    assert wish(client).status_code == 302
    assert mail.outbox[-1].to == [NEW]
    assert NEW in text_of(client.get("/accounts/email/"))
    assert log_in(browser()).status_code == 302
    assert log_in(browser(), email=NEW).status_code == 422

    assert client.get(link_in_mail()).headers["Location"] == "/accounts/email/"
    natasha.refresh_from_db()
    assert (natasha.email, natasha.email_folded) == (NEW, NEW)
    assert list(EmailAddress.objects.values_list("email", "primary", "verified")) == [
        (NEW, True, True)
    ]
    assert Account.objects.get().name == NEW
    assert not is_live(token)
    assert log_in(browser(), email=NEW.upper()).status_code == 302
    assert log_in(browser()).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_the_old_address_is_told(client):
    wish(client)
    client.get(link_in_mail())
    assert mail.outbox[-1].to == [NATASHA]
    assert f"opened with {NEW} from now on" in mail_text()


def test_anothers_address_is_answered_alike_and_cannot_be_taken(client, natasha):
    users.register(email="Pierre@example.ru")
    for email in (NEW, "PIERRE@example.ru"):
        answer = wish(client, email)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/email/")
        assert mail.outbox[-1].to == [email.lower()]
    assert "you have an account with it already" in mail_text()


def test_an_address_that_was_taken_meanwhile_stays_with_who_was_first(client, natasha):
    wish(client)
    link = link_in_mail()
    users.register(email=NEW.upper())
    client.get(link)
    natasha.refresh_from_db()
    assert natasha.email == NATASHA
    assert log_in(browser()).status_code == 302


def test_a_twin_that_was_taken_meanwhile_is_taken_too(client, natasha):
    wish(client, "natasha@straße.example.ru")
    link = link_in_mail()
    users.register(email="natasha@strasse.example.ru")
    client.get(link)
    natasha.refresh_from_db()
    assert natasha.email == NATASHA
    assert EmailAddress.objects.get(user=natasha, primary=True).email == NATASHA
    assert "could not be confirmed" in text_of(client.get("/accounts/email/"))


def test_ones_own_address_is_no_other_one(client):
    answer = wish(client, "NATASHA@example.ru")
    assert answer.status_code == 422
    assert "your address already" in text_of(answer)


def test_the_wish_can_be_given_up_without_a_mail(client, natasha):
    wish(client)
    link, sent = link_in_mail(), len(mail.outbox)
    client.post("/accounts/email/", {"email": NEW, "action_remove": ""})
    assert len(mail.outbox) == sent
    assert client.get(link).status_code == 404
    client.post("/accounts/email/", {"email": NATASHA, "action_remove": ""})
    assert EmailAddress.objects.get().email == NATASHA


def test_an_old_log_in_must_prove_itself_again(natasha):
    client = browser()
    client.force_login(natasha)
    answer = wish(client)
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert not EmailAddress.objects.filter(email=NEW).exists()
    wrong = client.post(answer.headers["Location"], {"password": "wrong"})
    assert wrong.status_code == 422
    assert not EmailAddress.objects.filter(email=NEW).exists()
    client.post(answer.headers["Location"], {"password": PASSWORD})
    assert EmailAddress.objects.filter(email=NEW).exists()


def test_people_with_a_second_factor_change_their_address_too(client):
    enrol(client)
    assert wish(client).status_code == 302
    client.get(link_in_mail())
    assert users.find(email=NEW) is not None


def test_a_new_password_is_sent_to_the_new_address_alone(client):
    wish(client)
    client.get(link_in_mail())
    ask_for_password(browser(), NATASHA)
    assert "no account" in mail_text()
    ask_for_password(browser(), NEW)
    assert mail.outbox[-1].to == [NEW]
    assert is_logged_in(client)
