"""Sign-in in two languages: pages, refusals and mails, and nothing of the one in the other."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail

from accounts import users
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import (
    PASSWORD,
    ask_for_password,
    browser,
    enrol,
    link_in_mail,
    log_in,
    sign_up,
)

pytestmark = pytest.mark.django_db(transaction=True)

LATIN_ALLOWED = re.compile(
    r"\S+@\S+|\S+://\S+|/\S+|XRouter|API|QR|Telegram|English|[A-Z2-7]{32}|localhost:8000"
)
CYRILLIC_ALLOWED = re.compile("Русский")


def foreign_words(text: str, language: str) -> list[str]:
    """Return what is not in this language."""
    if language == "ru":
        return re.findall(r"[A-Za-z]{2,}", LATIN_ALLOWED.sub(" ", text))
    return re.findall(r"[А-Яа-яЁё]+", CYRILLIC_ALLOWED.sub(" ", text))


def main_text(answer) -> str:
    """Return the title and the main part of a page, without tags."""
    page = answer.content.decode()
    parts = [
        re.search(r"<title>(.*?)</title>", page, re.S),
        re.search("<main.*</main>", page, re.S),
    ]
    assert all(parts), page[:500]
    return re.sub(r"<[^>]+>", " ", " ".join(part[0] for part in parts if part))


def strangers_pages(language):
    user = users.register(email=NATASHA, password=PASSWORD).owner
    new = browser(language)
    yield new.get("/accounts/signup/")
    yield sign_up(new, email="no address", password="short", consent="")
    yield sign_up(new, email="new@example.ru", password="123456789012")
    sign_up(new, email="new@example.ru")
    yield new.get("/accounts/confirm-email/")
    new.post("/accounts/confirm-email/")
    yield new.get("/accounts/confirm-email/")
    yield browser(language).get(link_in_mail())
    for path in ("login/", "inactive/", "confirm-email/", "confirm-email/x/", "password/reset/",
                 "password/reset/done/", "password/reset/key/1-x/", "password/reset/key/done/"):  # fmt: skip
        yield browser(language).get(f"/accounts/{path}")
    yield log_in(browser(language), password="wrong")
    yield log_in(browser(language), email="", password="x" * 129)
    yield ask_for_password(browser(language), "no address")
    ask_for_password(new)
    form = new.get(link_in_mail("/accounts/password/reset/key/")).headers["Location"]
    yield new.get(form)
    yield new.post(form, {"password1": "short"})
    old = browser(language)
    old.force_login(user)
    for path in ("reauthenticate/", "logout/"):
        yield old.get(f"/accounts/{path}")
    yield old.post("/accounts/reauthenticate/", {"password": "wrong"})


def settings_pages(language):
    user = users.register(email=NATASHA, password=PASSWORD).owner
    client = browser(language)
    log_in(client)
    for path in ("", "email/", "password/change/", "close/", "2fa/", "2fa/totp/activate/"):
        yield client.get(f"/accounts/{path}")
    yield client.post("/accounts/email/", {"email": NATASHA, "action_add": ""})
    client.post("/accounts/email/", {"email": "other@example.ru", "action_add": ""})
    yield client.get("/accounts/email/")
    yield client.get("/accounts/")
    yield client.post(
        "/accounts/password/change/", {"oldpassword": "x", "password1": "qwertyqwerty"}
    )
    yield client.post("/accounts/2fa/totp/activate/", {"code": "1"})
    enrol(client)
    for path in ("recovery-codes/", "recovery-codes/generate/", "", "totp/deactivate/",
                 "reauthenticate/"):  # fmt: skip
        yield client.get(f"/accounts/2fa/{path}")
    yield client.post("/accounts/2fa/reauthenticate/", {"code": "1"})
    client.post("/accounts/2fa/recovery-codes/generate/")
    yield client.get("/accounts/2fa/recovery-codes/")
    log_in(phone := browser(language))
    yield phone.get("/accounts/2fa/authenticate/")
    yield phone.post("/accounts/2fa/authenticate/", {"code": ""})
    client.post("/accounts/2fa/totp/deactivate/")
    yield client.get("/accounts/2fa/")
    form = {"oldpassword": PASSWORD, "password1": "another horse battery"}
    client.post("/accounts/password/change/", form)
    yield client.get("/accounts/")
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    yield client.get("/accounts/password/set/")
    yield client.get("/accounts/")
    client.post("/accounts/password/set/", form)
    wished = EmailAddress.objects.get(email="other@example.ru")
    client.post("/accounts/email/", {"email": wished.email, "action_send": ""})
    client.get(link_in_mail())
    yield client.get("/accounts/email/")
    client.post("/accounts/logout/")
    yield client.get("/accounts/login/")


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("pages", [strangers_pages, settings_pages])
def test_no_page_and_no_mail_speaks_the_other_language(language, pages):
    count = 0
    for answer in pages(language):
        assert answer.status_code in {200, 404, 422}, answer.request["PATH_INFO"]
        text = main_text(answer)
        assert not foreign_words(text, language), (answer.request["PATH_INFO"], text)
        assert answer.content.decode().count("<h1") == 1, answer.request["PATH_INFO"]
        count += 1
    assert count > 20
    assert len(mail.outbox) >= 3
    for message in mail.outbox:
        assert not foreign_words(f"{message.subject} {message.body}", language), message.body


@pytest.mark.parametrize(
    ("language", "word"), [("ru", "зарегистрированы"), ("en", "have an account")]
)
def test_mails_about_unwelcome_news_are_in_the_readers_language(language, word):
    users.register(email=NATASHA)
    sign_up(browser(language))
    assert word in mail.outbox[-1].subject
    ask_for_password(browser(language), "nobody@example.ru")
    assert not foreign_words(f"{mail.outbox[-1].subject} {mail.outbox[-1].body}", language)
