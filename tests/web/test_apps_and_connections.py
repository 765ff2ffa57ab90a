"""The cabinet's pages about applications and connections: what people see, and what the tables then hold."""

import re

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application

from accounts.keys import issuing
from accounts.models import APIKey, IssuedToken, User
from accounts.oauth import applications
from accounts.oauth.client_secrets import is_secret
from accounts.users import own_account
from tests.accounts.oauth_clients import CALLBACK, DEVELOPER, App, ask, browser_of, new_app, person
from tests.accounts.operators import seat
from tests.gateway.customers import field_value

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>"
FORM = {"name": "Заметки", "homepage": "", "addresses": CALLBACK, "kind": "public"}


@pytest.fixture
def developer() -> Client:
    return browser_of(person(DEVELOPER))


@pytest.fixture
def english() -> Client:
    return browser_of(person(DEVELOPER), headers={"accept-language": "en"})


def page_of(app: App, more: str = "") -> str:
    return f"/cabinet/apps/{app.application.client_id}/{more}"


def key_made_by(
    app: App, email: str = "natasha@example.ru", name: str = "сделан"
) -> tuple[APIKey, str]:
    user = person(email)
    return issuing.issue(
        account=own_account(user),
        user=user,
        name=name,
        application=app.application,
        made_by=app.application.name,
    )


def test_without_applications_the_page_says_what_they_are_for(developer, english):
    assert "Приложений пока нет" in developer.get("/cabinet/apps/").content.decode()
    page = english.get("/cabinet/apps/").content.decode()
    assert "There are no applications yet" in page
    assert not re.search("[а-яё]", page.replace("Русский", ""), re.IGNORECASE)


def test_a_public_application_is_registered_without_a_secret(developer):
    response = developer.post("/cabinet/apps/new/", FORM | {"homepage": "https://example.ru"})
    application = Application.objects.get()
    assert response.headers["Location"] == f"/cabinet/apps/{application.client_id}/"
    assert application.user == person(DEVELOPER)
    assert (application.client_type, application.client_secret) == ("public", "")
    assert application.redirect_uris == CALLBACK
    assert application.details.homepage == "https://example.ru"
    assert "Заметки" in developer.get("/cabinet/apps/").content.decode()


def test_a_secret_is_shown_once(developer):
    response = developer.post("/cabinet/apps/new/", FORM | {"kind": "confidential"})
    application = Application.objects.get()
    [secret] = re.findall(r"xr-secret-[0-9A-Za-z]{49}", response.content.decode())
    assert "no-store" in response.headers["Cache-Control"]
    assert is_secret(secret, application.client_secret)
    for path in ("/cabinet/apps/", f"/cabinet/apps/{application.client_id}/"):
        assert "xr-secret-" not in developer.get(path).content.decode()


def test_a_form_sent_again_registers_no_twin_and_replaces_no_secret(english):
    page = english.get("/cabinet/apps/new/").content.decode()
    form = FORM | {"kind": "confidential", "form_token": field_value(page, "form_token")}
    assert "xr-secret-" in english.post("/cabinet/apps/new/", form).content.decode()
    again = english.post("/cabinet/apps/new/", form, follow=True).content.decode()
    assert "its application is registered" in again
    application = Application.objects.get()

    path = f"/cabinet/apps/{application.client_id}/"
    replace = {"form_token": field_value(english.get(path).content.decode(), "form_token")}
    replaced = english.post(f"{path}secret/", replace).content.decode()
    [secret] = re.findall(r"xr-secret-[0-9A-Za-z]{49}", replaced)
    again = english.post(f"{path}secret/", replace, follow=True).content.decode()
    assert "the secret is replaced already" in again
    application.refresh_from_db()
    assert is_secret(secret, application.client_secret)


def test_several_addresses_stand_one_in_a_line(developer):
    addresses = f"{CALLBACK}\r\nhttp://127.0.0.1/back\n\n{CALLBACK}"
    developer.post("/cabinet/apps/new/", FORM | {"addresses": addresses})
    assert Application.objects.get().redirect_uris == f"{CALLBACK} http://127.0.0.1/back"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"name": "a\u200bb"}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"homepage": "javascript:alert(1)"}, "homepage"),
        ({"homepage": "ftp://example.ru"}, "homepage"),
        ({"addresses": ""}, "addresses"),
        ({"addresses": "http://example.ru/"}, "addresses"),
        ({"addresses": f"{CALLBACK} javascript:alert(1)"}, "addresses"),
        ({"addresses": " ".join(f"https://example.ru/{n}" for n in range(11))}, "addresses"),
        ({"name": "ХRоuter"}, "name"),
        ({"kind": ""}, "kind"),
        ({"kind": "trusted"}, "kind"),
    ],
)
def test_a_mistake_is_named_and_nothing_typed_is_lost(developer, changes, field):
    typed = FORM | {"name": "Мои заметки"} | changes
    response = developer.post("/cabinet/apps/new/", typed)
    assert response.status_code == 422
    assert response.context["form"].errors.keys() == {field}
    page = response.content.decode()
    assert 'role="alert"' in page
    assert "field-error" in page
    if field != "name":
        assert 'value="Мои заметки"' in page
    assert not Application.objects.exists()


def test_an_application_is_changed(developer):
    app = new_app(is_confidential=True)
    changed = {
        "name": "Другое",
        "homepage": "https://example.ru/о",
        "addresses": "https://example.ru/b",
    }
    response = developer.post(page_of(app), changed | {"kind": "public", "client_secret": "x"})
    assert response.headers["Location"] == page_of(app)
    application = Application.objects.get()
    assert (application.name, application.redirect_uris) == ("Другое", "https://example.ru/b")
    assert application.client_type == "confidential"
    assert is_secret(app.secret, application.client_secret)
    assert developer.post(page_of(app), changed | {"addresses": "x"}).status_code == 422
    assert "https://example.ru/b" in developer.get(page_of(app)).content.decode()


def test_another_secret_ends_the_old_one_and_nobodys_connection(developer):
    app = new_app(is_confidential=True)
    token = app.token(person())
    response = developer.post(page_of(app, "secret/"))
    [secret] = re.findall(r"xr-secret-[0-9A-Za-z]{49}", response.content.decode())
    code = app.code(person())
    assert app.redeem(code).status_code == 401
    assert app.redeem(code, client_secret=secret).status_code == 200
    assert ask(token).status_code == 200


def test_a_public_application_gets_no_secret(developer):
    app = new_app()
    assert developer.post(page_of(app, "secret/")).status_code == 302
    assert Application.objects.get().client_secret == ""


def test_a_deleted_application_loses_everybody_and_its_keys_stay(developer):
    app = new_app()
    token = app.token(person())
    _, raw = key_made_by(app)
    response = developer.post(page_of(app, "delete/"))
    assert response.headers["Location"] == "/cabinet/apps/"
    assert not Application.objects.exists()
    assert ask(token).status_code == 401
    assert ask(raw).status_code == 200
    page = browser_of(person()).get("/cabinet/connections/").content.decode()
    assert "Заметки" in page


def test_how_many_people_let_it_in_is_shown(english):
    app = new_app()
    for email in ("natasha@example.ru", "natasha@example.ru", "anna@example.ru"):
        app.token(person(email))
    [listed] = applications.of_developer(person(DEVELOPER))
    assert listed.people == 2
    assert 'data-label="People">2</td>' in english.get("/cabinet/apps/").content.decode()


def test_anothers_application_is_as_unknown_as_none():
    app = new_app()
    browser = browser_of(person("anna@example.ru"))
    for more in ("", "secret/", "delete/"):
        answers = [
            browser.post(path, FORM)
            for path in (
                page_of(app, more),
                f"/cabinet/apps/{'x' * 40}/{more}",
                f"/cabinet/apps/%00/{more}",
            )
        ]
        assert [answer.status_code for answer in answers] == [404] * 3
    assert browser.get(page_of(app)).status_code == 404
    assert "Заметки" not in browser.get("/cabinet/apps/").content.decode()
    assert Application.objects.get().name == "Заметки"


def test_reading_changes_nothing_and_another_sites_form_neither(developer):
    app = new_app(is_confidential=True)
    token = app.token(person())
    paths = [page_of(app, "secret/"), page_of(app, "delete/"), "/cabinet/connections/disconnect/"]
    for path in paths:
        assert developer.get(path).status_code == 405
    guarded = browser_of(person(DEVELOPER), enforce_csrf_checks=True)
    for path in [*paths, page_of(app), "/cabinet/apps/new/"]:
        assert guarded.post(path, FORM).status_code == 403
    assert Application.objects.count() == 1
    assert ask(token).status_code == 200


def test_a_stranger_logs_in_first():
    app = new_app()
    for path in ("/cabinet/apps/", "/cabinet/apps/new/", page_of(app), "/cabinet/connections/"):
        response = Client().get(path)
        assert response.headers["Location"] == f"/accounts/login/?next={path}"


def test_texts_of_people_are_inert(developer):
    app = new_app(name=EVIL)
    app.token(person())
    key_made_by(app, name=EVIL)
    browser = browser_of(person())
    for page in (
        developer.get("/cabinet/apps/"),
        developer.get(page_of(app)),
        browser.get("/cabinet/connections/"),
    ):
        assert EVIL not in page.content.decode()
        assert "&lt;script&gt;" in page.content.decode()


def test_without_connections_the_page_says_so():
    page = browser_of(person()).get("/cabinet/connections/").content.decode()
    assert "Никто не подключён" in page


def test_a_connection_shows_scopes_last_use_and_keys(english):
    app = new_app()
    applications.edit(
        application=app.application,
        name="Notes",
        addresses=[CALLBACK],
        homepage="https://notes.example.ru",
    )
    app.application.refresh_from_db()
    app.token(person(DEVELOPER), scope="chat keys")
    key, _ = key_made_by(app, DEVELOPER, name="made")
    page = english.get("/cabinet/connections/").content.decode()
    for text in (
        "Notes",
        "https://notes.example.ru",
        "Ask models",
        "Create, change",
        "never",
        "made",
    ):
        assert text in page
    assert str(key) in page
    assert "See your balance" not in page
    assert not re.search("[а-яё]", page.replace("Русский", ""), re.IGNORECASE)
    IssuedToken.objects.update(last_used_at=timezone.now(), last_used_from="203.0.113.0/24")
    page = english.get("/cabinet/connections/").content.decode()
    assert "203.0.113.0/24" in page
    assert "never" not in page


def test_a_persons_connections_are_their_own():
    app = new_app()
    app.token(person("anna@example.ru"))
    assert "Заметки" not in browser_of(person()).get("/cabinet/connections/").content.decode()
    response = browser_of(person()).post(
        "/cabinet/connections/disconnect/", {"application": app.application.client_id}
    )
    assert response.status_code == 404
    assert AccessToken.objects.filter(expires__gt=timezone.now()).count() == 1


@pytest.mark.parametrize("with_keys", [True, False])
def test_a_connection_is_ended_with_its_keys_or_without(with_keys):
    app, other = new_app(), new_app(name="Другое")
    token, others = app.token(person()), other.token(person())
    _, raw = key_made_by(app)
    form = {"application": app.application.client_id} | ({"keys": "yes"} if with_keys else {})
    browser = browser_of(person())
    response = browser.post("/cabinet/connections/disconnect/", form)
    assert response.headers["Location"] == "/cabinet/connections/"
    assert [ask(held).status_code for held in (token, others)] == [401, 200]
    assert ask(raw).status_code == (401 if with_keys else 200)
    page = browser.get("/cabinet/connections/").content.decode()
    assert ("только ключи" in page) is not with_keys


def test_a_site_with_a_one_click_key_can_be_ended():
    user = person()
    raws = [
        issuing.issue(account=own_account(user), user=user, name=site, made_by=site)[1]
        for site in ("site.example.ru", "site.example.ru", "other.example.ru")
    ]
    browser = browser_of(user)
    page = browser.get("/cabinet/connections/").content.decode()
    assert page.count("<article") == 2
    browser.post("/cabinet/connections/disconnect/", {"site": "site.example.ru"})
    assert [ask(raw).status_code for raw in raws] == [401, 401, 200]
    again = browser.post("/cabinet/connections/disconnect/", {"site": "site.example.ru"})
    assert again.status_code == 404


@pytest.mark.parametrize("form", [{}, {"application": ""}, {"site": ""}, {"application": "\0"}])
def test_a_form_that_names_nothing_ends_nothing(form):
    token = new_app().token(person())
    browser = browser_of(person())
    assert browser.post("/cabinet/connections/disconnect/", form).status_code == 404
    assert ask(token).status_code == 200


def test_operators_see_applications_and_tokens_and_can_end_them():
    app = new_app()
    token = app.token(person())
    operator_client = seat(Client(), User.objects.create_superuser("root@example.ru"))
    for table in ("oauthapplication", "oauthtoken"):
        page = operator_client.get(f"/admin/accounts/{table}/")
        assert "Заметки" in page.content.decode()
        assert operator_client.get(f"/admin/accounts/{table}/add/").status_code == 403
    assert operator_client.get("/admin/oauth2_provider/grant/").status_code == 404
    pk = AccessToken.objects.get().pk
    confirmed = {"reason": "They asked.", "_confirmed": "1"}
    operator_client.post(
        "/admin/accounts/oauthtoken/", {"action": "revoke", "_selected_action": pk} | confirmed
    )
    assert ask(token).status_code == 401
    token = app.token(person())
    operator_client.post(
        "/admin/accounts/oauthapplication/",
        {"action": "disconnect", "_selected_action": app.application.pk} | confirmed,
    )
    assert ask(token).status_code == 401
