"""Applications at the operators' admin: one that is disabled is let in by nobody, by no way."""

import pytest
from django.test import Client
from oauth2_provider.models import AccessToken

from accounts.models import ApplicationDetails, OAuthApplication, User
from tests.accounts.oauth_clients import DEVELOPER, App, ask, browser_of, new_app, person
from tests.accounts.operators import seat

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/oauthapplication/"


@pytest.fixture
def operator_client() -> Client:
    return seat(Client(), User.objects.create_superuser("root@example.ru"))


def act(operator_client: Client, app: App, action: str) -> None:
    form = {"action": action, "_selected_action": app.application.pk}
    form |= {"reason": "They asked.", "_confirmed": "1"}
    assert operator_client.post(LIST, form).status_code == 302


def test_a_disabled_application_loses_its_tokens_and_gets_no_more(operator_client):
    app, other = new_app(is_confidential=True), new_app(name="Чужое")
    token, kept = app.token(person()), other.token(person())
    code = app.code(person())

    act(operator_client, app, "disable")

    assert ask(token).status_code == 401
    assert ask(kept).status_code == 200
    assert app.redeem(code).status_code == 401
    page = browser_of(person()).get(app.authorize_url())
    assert page.status_code == 400
    assert "Location" not in page.headers


def test_its_developer_is_told(operator_client):
    app = new_app()
    page = f"/cabinet/apps/{app.application.client_id}/"
    browser = browser_of(person(DEVELOPER), headers={"accept-language": "en"})
    assert "have disabled this application" not in browser.get(page).content.decode()
    act(operator_client, app, "disable")
    assert "have disabled this application" in browser.get(page).content.decode()


def test_one_that_had_no_details_can_be_disabled_too(operator_client):
    app = new_app()
    ApplicationDetails.objects.all().delete()
    act(operator_client, app, "disable")
    assert browser_of(person()).get(app.authorize_url()).status_code == 400
    assert ApplicationDetails.objects.get().disabled_at is not None


def test_enabled_again_it_is_let_in_again(operator_client):
    app = new_app()
    act(operator_client, app, "disable")
    act(operator_client, app, "enable")
    assert ask(app.token(person())).status_code == 200


def test_no_page_of_the_admin_shows_a_token_or_a_secret(operator_client):
    app = new_app(is_confidential=True)
    token = app.token(person())
    row = AccessToken.objects.get()
    application = OAuthApplication.objects.get()
    for path in (LIST, f"{LIST}{application.pk}/change/", "/admin/accounts/oauthtoken/"):
        page = operator_client.get(path).content.decode()
        assert "Заметки" in page
        for secret in (token, app.secret, application.client_secret, row.token_checksum):
            assert secret not in page
    page = operator_client.get(f"/admin/accounts/oauthtoken/{row.pk}/change/").content.decode()
    assert token not in page
    assert row.token_checksum not in page
