"""The operators' admin: nobody sits down there without the second factor."""

import re

import pytest
from django.urls import URLResolver, get_resolver

from accounts import users
from accounts.models import User
from tests.accounts.operators import seat
from tests.accounts.people import NATASHA
from tests.accounts.sign_in import PASSWORD, browser, enrol, is_logged_in, log_in, text_of, totp

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    return User.objects.create_superuser("root@example.ru", PASSWORD)


def admin_paths() -> list[str]:
    """Return one path for every pattern of the admin, with an id where one stands."""
    admin_urls = next(
        pattern
        for pattern in get_resolver().url_patterns
        if isinstance(pattern, URLResolver) and pattern.app_name == "admin"
    )
    return [f"/admin/{path}" for path in _paths(admin_urls)]


def _paths(resolver: URLResolver) -> list[str]:
    found = []
    for pattern in resolver.url_patterns:
        route = re.sub(r"<[^>]+>", "1", str(pattern.pattern)).strip("^$").replace(r"\Z", "")
        route = re.sub(r"\(\?P1[^)]*\)", "1", route)
        if isinstance(pattern, URLResolver):
            found += [route + inner for inner in _paths(pattern)]
        else:
            found.append(route)
    return found


def test_no_path_of_the_admin_opens_to_staff_without_a_second_factor(operator):
    client = browser()
    client.force_login(operator)
    paths = admin_paths()
    assert len(paths) > 30
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert client.post(path).status_code in {302, 405}, path
    assert is_logged_in(client)


def test_staff_without_one_are_led_to_set_it_up(operator):
    client = browser()
    assert (
        client.get("/admin/login/?next=/admin/")
        .headers["Location"]
        .startswith("/accounts/login/?next=")
    )
    log_in(client, email=operator.email, next="/admin/accounts/user/")
    answer = client.get("/admin/accounts/user/", follow=True)
    assert answer.redirect_chain[-1][0] == "/accounts/2fa/totp/activate/"
    assert "Operators need a second factor" in text_of(answer)
    secret = enrol(client)
    answer = client.get("/admin/accounts/user/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/2fa/reauthenticate/?next=")
    answer = client.post(answer.redirect_chain[-1][0], {"code": totp(secret)})
    assert answer.headers["Location"] == "/admin/accounts/user/"
    assert client.get("/admin/accounts/user/").status_code == 200


def test_a_log_in_with_the_code_opens_the_admin_at_once(operator):
    client, phone = browser(), browser()
    log_in(client, email=operator.email)
    secret = enrol(client)
    log_in(phone, email=operator.email, next="/admin/")
    assert phone.get("/admin/").status_code == 302
    answer = phone.post("/accounts/2fa/authenticate/", {"code": totp(secret)})
    assert answer.headers["Location"] == "/admin/"
    assert phone.get("/admin/").status_code == 200


def test_a_session_without_the_code_stays_outside_though_another_gave_it(operator):
    seat(browser(), operator)
    client = browser()
    client.force_login(operator)
    assert client.get("/admin/").status_code == 302


def test_turning_the_second_factor_off_closes_the_admin(operator):
    client = seat(browser(), operator)
    assert client.get("/admin/").status_code == 200
    client.post("/accounts/2fa/totp/deactivate/")
    assert client.get("/admin/").status_code == 302


def test_people_who_are_no_operators_are_refused_with_a_second_factor_too():
    client = seat(browser(), users.register(email=NATASHA).owner)
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403


def test_an_operator_who_was_shut_out_is_a_stranger(operator):
    client = seat(browser(), operator)
    User.objects.update(is_active=False)
    assert client.get("/admin/").status_code == 302
    assert client.get("/admin/login/").headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "javascript:x"])
def test_the_door_leads_to_no_other_host(operator, target):
    client = seat(browser(), operator)
    assert client.get("/admin/login/", {"next": target}).headers["Location"] == "/admin/"


def test_the_desks_own_log_out_and_password_pages_are_ours(operator):
    client = seat(browser(), operator)
    assert client.get("/admin/password_change/").headers["Location"] == "/accounts/password/change/"
    assert client.post("/admin/logout/").headers["Location"] == "/"
    assert not is_logged_in(client)
