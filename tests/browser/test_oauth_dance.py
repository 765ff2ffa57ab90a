"""An application of somebody else's, by Authlib, and a person who lets it in: the whole dance."""

import openai
import pytest
from authlib.integrations.requests_client import OAuth2Session
from playwright.sync_api import Locator, expect

from tests.accounts.oauth_clients import challenge_of
from tests.browser.furnished import RESIDENT, Furnished
from tests.browser.visitors import Site, Visitor
from tests.live.callers import wait_until

VERIFIER = "a verifier of the right length ".replace(" ", "-") * 2


@pytest.fixture
def application(site: Site, resident: Furnished, monkeypatch: pytest.MonkeyPatch):
    """Return the application: a web service with a secret, which found out all else by itself."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "true")  # the service under test has no https
    with OAuth2Session(
        client_id=resident.client_id,
        client_secret=resident.client_secret,
        scope="chat usage",
        redirect_uri=f"http://{site.elsewhere}/callback",
        code_challenge_method="S256",
    ) as session:
        found = session.get(
            f"{site.url}/.well-known/oauth-authorization-server", withhold_token=True
        )
        session.metadata |= found.json()
        yield session


def let_in(visitor: Visitor, application: OAuth2Session) -> str:
    """Lead the person to the consent page and back, and return the token."""
    address, state = application.create_authorization_url(
        application.metadata["authorization_endpoint"], code_verifier=VERIFIER
    )
    visitor.open(address)
    if visitor.path == "/accounts/login/":
        visitor.log_in(RESIDENT)
    visitor.press("Allow")
    visitor.is_at("/callback")
    token = application.fetch_token(
        application.metadata["token_endpoint"],
        authorization_response=visitor.page.url,
        state=state,
        code_verifier=VERIFIER,
    )
    return str(token["access_token"])


def answers(site: Site, token: str) -> bool:
    """Say whether the API takes the token."""
    with site.service.openai(token) as client:
        try:
            client.chat.completions.create(
                model="gigachat-basic", messages=[{"role": "user", "content": "Привет"}]
            )
        except openai.AuthenticationError:
            return False
    return True


def connection(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("article").filter(has_text="Notes")


def test_a_person_lets_an_application_in_and_disconnects_it(
    visitor: Visitor, site: Site, application: OAuth2Session
):
    token = let_in(visitor, application)
    assert answers(site, token)
    visitor.open("/cabinet/connections/")
    visitor.sees("Notes")
    connection(visitor).locator("summary").click()
    connection(visitor).get_by_role("button", name=visitor.say("Disconnect")).click()
    expect(connection(visitor)).to_have_count(0)
    wait_until(lambda: not answers(site, token), "the token is refused")


def test_a_log_out_ends_what_applications_may_do(
    visitor: Visitor, site: Site, application: OAuth2Session
):
    token = let_in(visitor, application)
    assert answers(site, token)
    visitor.open("/cabinet/")
    visitor.log_out()
    visitor.is_at("/")
    wait_until(lambda: not answers(site, token), "the token is refused")


def test_a_refusal_is_told_to_the_application(at_home: Visitor, application: OAuth2Session):
    address, state = application.create_authorization_url(
        application.metadata["authorization_endpoint"], code_verifier=VERIFIER
    )
    at_home.open(address)
    at_home.press("Refuse")
    at_home.is_at("/callback")
    assert "error=access_denied" in at_home.page.url
    assert f"state={state}" in at_home.page.url


def test_one_click_gives_a_site_a_key(at_home: Visitor, site: Site, resident: Furnished):
    challenge = challenge_of(VERIFIER)
    at_home.open(
        f"/auth?callback_url=http://{site.elsewhere}/callback"
        f"&code_challenge={challenge}&code_challenge_method=S256"
    )
    at_home.press("Allow")
    at_home.is_at("/callback")
    code = at_home.page.url.partition("code=")[2].partition("&")[0]
    with site.service.http() as http:
        del http.headers["Authorization"]
        given = http.post("/v1/auth/keys", json={"code": code, "code_verifier": VERIFIER})
    assert given.status_code == 200, given.text
    assert answers(site, given.json()["key"])
