"""Sign-up: two fields, one link, and the person is in."""

import hashlib

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as project
from django.core import mail

from accounts import users
from accounts.models import Account, Consent, User
from tests.accounts.counting_hasher import CountingHasher
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import (
    PASSWORD,
    browser,
    is_logged_in,
    link_in_mail,
    log_in,
    mail_text,
    sign_up,
    text_of,
)

pytestmark = pytest.mark.django_db


def test_the_link_of_the_mail_logs_in_and_leads_to_the_keys():
    client = browser()
    answer = sign_up(client)
    assert answer.headers["Location"] == "/accounts/confirm-email/"
    assert NATASHA in text_of(client.get("/accounts/confirm-email/"))
    assert mail.outbox[-1].to == [NATASHA]
    assert not is_logged_in(client)

    session_before = client.cookies["sessionid"].value
    assert client.get(link_in_mail()).headers["Location"] == "/cabinet/keys/"
    assert is_logged_in(client)
    assert client.cookies["sessionid"].value != session_before
    user = users.find(email=NATASHA)
    assert user is not None
    assert user.check_password(PASSWORD)
    assert Account.objects.get().owner == user
    assert EmailAddress.objects.get().verified


def test_the_link_leads_on_to_where_the_person_wanted():
    client = browser()
    sign_up(client, next="/oauth/authorize?client_id=7&state=x")
    location = client.get(link_in_mail()).headers["Location"]
    assert location == "/oauth/authorize?client_id=7&state=x"


def test_in_another_browser_the_link_asks_for_a_button_and_logs_nobody_in():
    client, elsewhere = browser(), browser()
    sign_up(client)
    link = link_in_mail()
    assert NATASHA in text_of(elsewhere.get(link))
    assert not EmailAddress.objects.get().verified
    assert elsewhere.post(link).headers["Location"] == "/accounts/login/"
    assert EmailAddress.objects.get().verified
    assert not is_logged_in(elsewhere)
    assert log_in(elsewhere).headers["Location"] == "/cabinet/"


def test_a_link_to_another_account_ends_the_log_in_only_at_the_button():
    newcomer, other = browser(), browser()
    sign_up(newcomer)
    other.force_login(users.register(email="pierre@example.ru").owner)
    page = text_of(other.get(link_in_mail()))
    assert "pierre@example.ru is logged in" in page
    assert is_logged_in(other)
    other.post(link_in_mail())
    assert not is_logged_in(other)


def test_a_link_works_once():
    client = browser()
    sign_up(client)
    link = link_in_mail()
    client.get(link)
    for visitor in (client, browser()):
        answer = visitor.get(link)
        assert answer.status_code == 404
        assert "does not work any more" in text_of(answer)
        assert visitor.post(link).status_code == 404


def test_a_used_link_asks_nobody_to_log_in_who_is():
    client = browser()
    sign_up(client)
    link = link_in_mail()
    client.get(link)
    page = client.get(link).content.decode()
    assert "simply log in" not in page
    assert 'href="/accounts/login/"' not in page
    assert f"logged in as <b>{NATASHA}</b>" in page
    assert 'href="/cabinet/"' in page
    assert 'href="/accounts/email/"' in page
    assert 'href="/accounts/login/"' in browser().get(link).content.decode()


def test_consent_to_both_texts_is_kept_with_version_and_address():
    client = browser()
    sign_up(client, email="pierre@example.ru")
    given = {consent.document: consent for consent in Consent.objects.all()}
    for document, name in (("terms", "TERMS.md"), ("privacy", "PRIVACY.md")):
        text = (project.BASE_DIR / name).read_bytes()
        assert given[document].version == hashlib.sha256(text).hexdigest()[:16]
        assert given[document].given_from == "127.0.0.1"
        assert given[document].user.email == "pierre@example.ru"


def test_without_consent_nothing_is_made():
    answer = browser().post("/accounts/signup/", {"email": NATASHA, "password1": PASSWORD})
    assert answer.status_code == 422
    assert f'value="{NATASHA}"' in answer.content.decode()
    assert not User.objects.exists()
    assert not mail.outbox


def test_a_known_address_is_answered_like_a_new_one_after_the_same_work(settings):
    settings.PASSWORD_HASHERS = ["tests.accounts.counting_hasher.CountingHasher"]
    users.register(email="Pierre@example.ru")
    seen = {}
    for email in ("new@example.ru", "PIERRE@example.ru"):
        client = browser()
        before = CountingHasher.calls, len(mail.outbox)
        answer = sign_up(client, email=email)
        page = text_of(client.get("/accounts/confirm-email/")).replace(email.lower(), "ADDRESS")
        work = CountingHasher.calls - before[0], len(mail.outbox) - before[1]
        seen[email] = (
            answer.status_code,
            answer.headers["Location"],
            set(client.cookies),
            page,
            work,
        )
    new, known = seen.values()
    assert new == known
    assert new[-1] == (1, 1)


def test_the_owner_of_a_known_address_is_told_by_mail():
    users.register(email="Pierre@example.ru", password=PASSWORD)
    sign_up(browser(), email="PIERRE@example.ru", password="some other password")
    assert mail.outbox[-1].to == ["pierre@example.ru"]
    assert "you have an account with it already" in mail_text()
    assert link_in_mail("/accounts/password/") == "/accounts/password/reset/"
    assert User.objects.get().check_password(PASSWORD)


def test_a_twin_of_an_address_gets_no_mail_of_the_other_ones():
    users.register(email="natasha@strasse.example.ru")
    sign_up(browser(), email="natasha@straße.example.ru")
    assert User.objects.count() == 1
    assert mail.outbox[-1].to == ["natasha@strasse.example.ru"]


def test_somebody_elses_wish_for_an_address_does_not_keep_its_owner_out():
    squatter = users.register(email="pierre@example.ru").owner
    EmailAddress.objects.create(user=squatter, email=NATASHA)
    client = browser()
    sign_up(client)
    client.get(link_in_mail())
    assert is_logged_in(client)


def test_the_mail_is_sent_once_more_on_request_also_to_a_known_address():
    users.register(email="pierre@example.ru")
    for email in (NATASHA, "pierre@example.ru"):
        client = browser()
        sign_up(client, email=email)
        sent = len(mail.outbox)
        client.post("/accounts/confirm-email/")
        assert len(mail.outbox) == sent + 1
        assert "One more mail" in text_of(client.get("/accounts/confirm-email/"))


def test_whoever_has_not_confirmed_is_told_so_at_log_in_and_gets_another_mail():
    sign_up(browser())
    sent = len(mail.outbox)
    client = browser()
    assert log_in(client).headers["Location"] == "/accounts/confirm-email/"
    assert len(mail.outbox) == sent + 1
    assert not is_logged_in(client)
    client.get(link_in_mail())
    assert is_logged_in(client)


def test_the_form_gives_no_rights():
    sign_up(browser(), is_staff="on", is_superuser="on", is_active="", balance="9", tier="paid")
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.is_active) == (False, False, True)


def test_get_never_signs_up():
    form = {"email": NATASHA, "password1": PASSWORD, "consent": "on"}
    browser().get("/accounts/signup/", form)
    assert not User.objects.exists()
