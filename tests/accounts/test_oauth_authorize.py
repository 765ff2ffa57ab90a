"""The consent page: who is asked what, who is led where, and who is led nowhere."""

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, Grant

from accounts.keys.key_format import digest_of
from tests.accounts.oauth_clients import (
    CALLBACK,
    App,
    browser_of,
    challenge_of,
    new_app,
    person,
    post_form,
    query_of,
)

pytestmark = pytest.mark.django_db

ISSUER = "http://localhost:8000"


@pytest.fixture
def app() -> App:
    return new_app()


def refused_here(response) -> None:
    """Say that the page is ours and leads nowhere."""
    assert response.status_code == 400
    assert response.headers["Content-Type"].startswith("text/html")
    assert "Location" not in response.headers
    assert "<h1>" in response.content.decode()


def test_a_person_is_asked_and_nothing_is_given_before(app):
    response = browser_of(person(), headers={"accept-language": "en"}).get(
        app.authorize_url(scope="chat usage keys")
    )
    page = response.content.decode()
    assert response.status_code == 200
    for text in ("Заметки", "app.example.ru", "natasha@example.ru", "Ask models", "Create, change"):
        assert text in page
    assert not Grant.objects.exists()
    assert "no-store" in response.headers["Cache-Control"]


def test_the_page_speaks_russian_first(app):
    page = browser_of(person()).get(app.authorize_url()).content.decode()
    assert '<html lang="ru">' in page
    assert "Разрешить" in page
    assert "Allow" not in page


def test_only_the_scopes_that_are_asked_for_are_shown(app):
    page = browser_of(person(), headers={"accept-language": "en"}).get(app.authorize_url())
    assert "Ask models" in page.content.decode()
    assert "Create, change" not in page.content.decode()


def test_without_a_scope_an_application_may_chat_alone(app):
    assert app.token(person(), scope=None)
    assert AccessToken.objects.get().scope == "chat"


def test_who_agrees_returns_with_a_code_the_state_and_the_issuer(app):
    response = browser_of(person()).post(app.authorize_url(state="ё&="), {"allow": "yes"})
    assert response.status_code == 302
    assert response.headers["Location"].startswith(CALLBACK + "?")
    answer = query_of(response)
    assert set(answer) == {"code", "state", "iss"}
    assert answer["state"] == "ё&="
    assert answer["iss"] == ISSUER
    assert Grant.objects.get().code == digest_of(answer["code"])


def test_who_refuses_returns_without_a_code(app):
    for answer in ({"deny": "yes"}, {}):
        response = browser_of(person()).post(app.authorize_url(), answer)
        result = query_of(response)
        assert result["error"] == "access_denied"
        assert result["state"] == "a state"
        assert result["iss"] == ISSUER
    assert not Grant.objects.exists()


def test_a_stranger_logs_in_first_and_comes_back(app):
    for method in ("get", "post"):
        response = getattr(Client(), method)(app.authorize_url())
        assert response.status_code == 302
        where = response.headers["Location"]
        assert where.startswith("/accounts/login/?next=/oauth/authorize%3Fresponse_type")


def test_a_form_of_another_site_agrees_to_nothing(app):
    browser = browser_of(person(), enforce_csrf_checks=True)
    assert browser.post(app.authorize_url(), {"allow": "yes"}).status_code == 403
    assert not Grant.objects.exists()


def test_the_browser_may_follow_the_form_to_the_application_and_frame_nothing(app):
    response = browser_of(person()).get(app.authorize_url())
    policy = response.headers["Content-Security-Policy"]
    assert "form-action 'self' https://app.example.ru;" in policy + ";"
    assert "frame-ancestors 'none'" in policy
    assert response.headers["X-Frame-Options"] == "DENY"


def test_the_name_of_an_application_is_a_text():
    name = "<script>alert(1)</script>{{7*7}}"
    page = browser_of(person()).get(new_app(name=name).authorize_url()).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in page


def test_a_person_is_asked_again_each_time(app):
    app.token(person())
    response = browser_of(person()).get(app.authorize_url())
    assert response.status_code == 200
    assert not Grant.objects.exists()


def test_a_new_application_is_told_of_by_mail_once(app, mailoutbox):
    app.token(person())
    app.token(person())
    [mail] = mailoutbox
    assert mail.to == ["natasha@example.ru"]
    assert "Заметки" in mail.subject + mail.body
    assert f"{ISSUER}/cabinet/connections/" in mail.body
    app.token(person(), scope="chat keys")
    assert len(mailoutbox) == 2


def test_mail_that_cannot_be_sent_lets_the_application_in(app, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert app.token(person())


def test_a_slash_at_the_end_is_tolerated(app):
    address = app.authorize_url().replace("authorize?", "authorize/?")
    assert browser_of(person()).get(address).status_code == 200


@pytest.mark.parametrize(
    "redirect_uri",
    [
        CALLBACK + "/",
        CALLBACK + "?a=1",
        CALLBACK + ";a=1",
        CALLBACK + "#",
        "https://app.example.ru:8443/back",
        "https://APP.example.ru/back",
        "https://app.example.ru/Back",
        "https://app.example.ru/%2e/back",
        "https://user@app.example.ru/back",
        "https://evil.app.example.ru/back",
        "https://evil.ru/back",
        "https://app.example.ru\\@evil.ru/back",
        "http://app.example.ru/back",
        "javascript:alert(1)",
        "//evil.ru",
        "a" * 100_000,
    ],
)
@pytest.mark.parametrize("prompt", [None, "none"])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_wrong_redirect_address_leads_nowhere(app, redirect_uri, prompt, is_known):
    browser = browser_of(person()) if is_known else Client()
    address = app.authorize_url(redirect_uri=redirect_uri, prompt=prompt)
    refused_here(browser.get(address))
    refused_here(browser.post(address, {"allow": "yes"}))
    assert not Grant.objects.exists()


@pytest.mark.parametrize("client_id", [None, "", "nobody", "a\0b", "\0", "я" * 9000, "%ED%A0%80"])
def test_an_unknown_client_is_led_nowhere(app, client_id):
    refused_here(browser_of(person()).get(app.authorize_url(client_id=client_id)))


@pytest.mark.parametrize(
    "more",
    [
        "redirect_uri=https://evil.ru/",
        "redirect_uri=",
        "client_id=another",
        "state=2",
        "scope=keys",
        "code_challenge=" + "a" * 43,
        "x=%00",
        "x=%ED%A0%80",
        "x=%FF",
        "x=" + "a" * 100_000,
        "&".join(f"x{number}=1" for number in range(60)),
    ],
)
def test_a_parameter_that_is_twice_or_cannot_be_read_leads_nowhere(app, more):
    refused_here(browser_of(person()).get(f"{app.authorize_url()}&{more}"))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": "chat admin"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "a" * 42}, "invalid_request"),
        ({"code_challenge": "a" * 44}, "invalid_request"),
        ({"code_challenge": "+" * 43}, "invalid_request"),
    ],
)
def test_a_wrong_request_is_refused_on_our_own_page(app, changes, error):
    address = app.authorize_url(**changes)
    for browser in (browser_of(person()), Client()):
        for response in (browser.get(address), browser.post(address, {"allow": "yes"})):
            refused_here(response)
            assert error in response.content.decode()
    assert not Grant.objects.exists()


def test_who_must_not_be_asked_and_has_not_let_it_in_is_led_nowhere(app):
    app.token(person("anna@example.ru"))
    for browser, error in (
        (Client(), "login_required"),
        (browser_of(person()), "consent_required"),
    ):
        response = browser.get(app.authorize_url(prompt="none"))
        refused_here(response)
        assert error in response.content.decode()


def test_who_must_not_be_asked_and_has_let_it_in_is_told_of_to_the_application(app):
    token = app.token(person())
    response = browser_of(person()).get(app.authorize_url(prompt="none"))
    assert response.headers["Location"].startswith(CALLBACK + "?")
    assert query_of(response)["error"] == "consent_required"
    assert not Grant.objects.exists()
    post_form("/oauth/revoke", {"token": token, "client_id": app.application.client_id})
    refused_here(browser_of(person()).get(app.authorize_url(prompt="none")))


def test_one_registered_address_need_not_be_named_and_several_must(app):
    assert browser_of(person()).get(app.authorize_url(redirect_uri=None)).status_code == 200
    two = new_app(CALLBACK, "https://app.example.ru/other")
    refused_here(browser_of(person()).get(two.authorize_url(redirect_uri=None)))


def test_a_program_on_this_device_may_take_any_port():
    app = new_app("http://127.0.0.1/back", "http://[::1]/back")
    for redirect_uri in ("http://127.0.0.1:49152/back", "http://[::1]:49153/back"):
        app.redirect_uri = redirect_uri
        page = browser_of(person(), headers={"accept-language": "en"}).get(app.authorize_url())
        assert "a program on this device" in page.content.decode()
        assert app.token(person())


def test_what_the_library_found_out_cannot_be_sent(app):
    victim = person("anna@example.ru")
    more = f"&user={victim.pk}&scopes=keys&client=x&grant=x&using_default_redirect_uri=1"
    response = browser_of(person()).post(app.authorize_url() + more, {"allow": "yes"})
    assert query_of(response)["code"]
    grant = Grant.objects.get()
    assert (grant.user, grant.scope) == (person(), "chat")


def test_codes_that_nobody_redeemed_do_not_pile_up(app):
    app.code(person())
    Grant.objects.update(expires=timezone.now())
    app.code(person())
    assert Grant.objects.count() == 1


def test_an_application_that_is_gone_asks_for_nothing(app):
    address = app.authorize_url()
    Application.objects.all().delete()
    refused_here(browser_of(person()).post(address, {"allow": "yes"}))


def test_the_challenge_of_the_tests_is_the_one_of_the_standard():
    # RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
