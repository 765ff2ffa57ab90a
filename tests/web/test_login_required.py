"""A stranger in the cabinet logs in and comes back, also from a form whose session had ended."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts import users
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import PASSWORD, browser, log_in

pytestmark = pytest.mark.django_db
FORM = "/cabinet/security/sessions/end-others/"


def leads_back_to(page: str) -> str:
    return f"/accounts/login/?{urlencode({'next': page}, safe='/')}"


def test_a_page_is_come_back_to_with_its_query(client: Client):
    answer = client.get("/cabinet/usage/?days=7")
    assert answer.headers["Location"] == leads_back_to("/cabinet/usage/?days=7")


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        ("http://testserver/cabinet/security/", "/cabinet/security/"),
        ("http://testserver/cabinet/generations/?days=7", "/cabinet/generations/?days=7"),
        ("http://testserver/accounts/", "/cabinet/"),
        ("https://evil.example/cabinet/security/", "/cabinet/"),
        ("//testserver/cabinet/", "/cabinet/"),
        ("nonsense", "/cabinet/"),
        ("", "/cabinet/"),
    ],
)
def test_from_a_form_one_comes_back_to_the_page_that_showed_it(client, referer, page):
    answer = client.post(FORM, headers={"referer": referer})
    assert answer.headers["Location"] == f"{leads_back_to(page)}&unsent=yes"


def test_who_logs_in_after_pressing_a_button_sees_the_page_of_it():
    users.register(email=NATASHA, password=PASSWORD)
    visitor = browser()
    answer = visitor.post(FORM, headers={"referer": "http://testserver/cabinet/security/"})
    form = visitor.get(answer.headers["Location"]).content.decode()
    assert "nothing was changed" in form
    assert "nothing was changed" not in visitor.get("/accounts/login/").content.decode()
    assert '<input type="hidden" name="next" value="/cabinet/security/"' in form
    entered = log_in(visitor, next="/cabinet/security/")
    assert entered.headers["Location"] == "/cabinet/security/"
