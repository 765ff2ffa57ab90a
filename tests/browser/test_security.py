"""Safe on the open internet, as people meet it: a task at sign-up, a key that waits, a session elsewhere."""

from playwright.sync_api import expect

from tests.accounts.sign_in import OTHER_PASSWORD
from tests.browser.conftest import Visit
from tests.browser.furnished import Furnished
from tests.browser.visitors import Site, Visitor

OFTEN = """
    from accounts import users
    from accounts.security import sign_ups
    for number in range(10):
        account = users.register(email=f"farm-{number}@example.ru")
        sign_ups.record(account_id=account.pk, network="203.0.113.0/24")
"""


def test_a_browser_of_a_network_that_signs_up_often_solves_its_task(visitor: Visitor, site: Site):
    site.service.python(OFTEN)
    visitor.context.set_extra_http_headers({"X-Forwarded-For": "203.0.113.77"})
    visitor.open("/accounts/signup/")
    visitor.fill("E-mail", "eleventh@example.ru")
    visitor.fill("Password", OTHER_PASSWORD)
    visitor.page.get_by_role("checkbox").check()
    visitor.press("Sign up")
    visitor.is_at("/accounts/confirm-email/")
    visitor.sees("eleventh@example.ru")


def test_an_owner_confirms_thaws_and_ends_what_is_elsewhere(
    at_home: Visitor, new_visitor: Visit, resident: Furnished
):
    elsewhere = new_visitor()
    elsewhere.open("/accounts/login/")
    elsewhere.log_in(resident.email)
    elsewhere.is_at("/cabinet/")
    at_home.open("/cabinet/security/")
    at_home.sees("198.51.5.0/24")
    at_home.press("It was me")
    expect(at_home.page.get_by_text("60")).to_have_count(0)
    at_home.press("Thaw the key")
    expect(at_home.found("button", "Thaw the key")).to_have_count(0)
    at_home.press("End all other sessions")
    elsewhere.open("/cabinet/")
    elsewhere.is_at("/accounts/login/")
