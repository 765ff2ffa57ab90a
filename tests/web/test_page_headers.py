"""What every page tells the browser: what it may load and run, who may frame and keep it, whose cookies."""

import re

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests.accounts.oauth_clients import browser_of, person
from tests.accounts.operators import seat
from tests.accounts.sign_in import browser, log_in, sign_up
from xrouter_site.page_headers import PERSONAL

pytestmark = pytest.mark.django_db
DIRECTIVES = {
    "default-src": "'self'",
    "script-src": "'self' 'nonce-{nonce}'",
    "style-src": "'self' 'nonce-{nonce}'",
    "worker-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
PAGES = ("/", "/models/", "/docs/quickstart/", "/status/", "/docs/api/", "/docs/api/chat/", "/accounts/login/",
         "/accounts/signup/", "/no/such/page", "/terms", "/.well-known/none",
         "/oauth/authorize", "/cabinet/", "/cabinet/keys/", "/cabinet/security/", "/accounts/",
         "/cabinet/generations/?format=csv", "/admin/", "/admin/accounts/user/",
         "/admin/accounts/user/add/", "/admin/jsi18n/", "/admin/none")  # fmt: skip


def policy_of(answer) -> dict[str, str]:
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    found = [directive.strip().partition(" ") for directive in policy.split(";")]
    return {name: value for name, _, value in found}


@pytest.fixture
def visitor() -> Client:
    return seat(Client(), User.objects.create_superuser("root@example.ru"))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_all_headers_and_a_nonce_of_its_own(path, visitor):
    nonces = set()
    for client in (Client(), visitor, visitor):
        answer = client.get(path)
        policy = policy_of(answer)
        [nonce] = re.findall(r"'nonce-([\w+/=]{24})'", policy["script-src"])
        nonces.add(nonce)
        assert policy == {name: value.format(nonce=nonce) for name, value in DIRECTIVES.items()}
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["X-Frame-Options"] == "DENY"
        if path.startswith(PERSONAL):
            assert "private" in answer.headers["Cache-Control"]
            assert "public" not in answer.headers["Cache-Control"]
    assert len(nonces) == 3


def test_what_is_refused_before_any_view_has_them_too():
    for answer in (
        Client().post("/accounts/login/", "x" * 70_000, content_type="text/plain"),
        Client(HTTP_HOST="evil.example").get("/"),
        Client(enforce_csrf_checks=True).post("/accounts/login/"),
    ):
        assert answer.status_code in {400, 403, 413}
        assert set(policy_of(answer)) == set(DIRECTIVES)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_pages_have_no_script_or_style_that_the_policy_forbids(visitor):
    for path in PAGES:
        page = visitor.get(path)
        if "text/html" not in page.headers.get("Content-Type", ""):
            continue
        text = page.content.decode()
        assert not re.search(
            r"<script(?![^>]*\b(src|type=\"application/(ld\+)?json\"))[^>]*>", text
        ), path
        assert not re.search(r"<style|\sstyle=|\son\w+=\"|javascript:", text), path


def test_cookies_over_https_belong_to_this_host_alone(settings):
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    settings.LANGUAGE_COOKIE_NAME = "__Host-language"
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.LANGUAGE_COOKIE_SECURE = True
    cache.clear()
    client = browser()
    client.get("/accounts/login/")
    log_in(client)
    sign_up(client)
    client.post("/language/", {"language": "en"})
    client.get("/accounts/confirm-email/x:y:z/")
    cookies = client.cookies.values()
    assert {cookie.key for cookie in cookies} == {
        *("__Host-sessionid", "__Host-csrftoken", "__Host-language")
    }
    assert all(cookie["secure"] and cookie["path"] == "/" for cookie in cookies)
    assert not any(cookie["domain"] for cookie in cookies)


def test_a_message_is_kept_in_the_session():
    client = browser_of(person(), headers={"accept-language": "en"})
    client.post("/cabinet/security/sessions/end-others/")
    assert "messages" not in client.cookies
    assert "All other sessions are ended." in client.get("/cabinet/security/").content.decode()
