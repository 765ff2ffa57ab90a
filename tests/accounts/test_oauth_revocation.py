"""Ending tokens: by the application, by the person, by operators; and what others may learn of them."""

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant

from accounts import suspension
from accounts.errors import AccountSuspended, InvalidCredential
from accounts.keys import issuing
from accounts.keys.bearer import authenticate
from accounts.keys.key_format import digest_of, make_secret
from accounts.keys.labels import credential_labels
from accounts.models import Account, APIKey, IssuedToken
from accounts.oauth import revocation
from accounts.users import own_account
from tests.accounts.oauth_clients import App, ask, basic, new_app, person, post_form

pytestmark = pytest.mark.django_db


@pytest.fixture
def app() -> App:
    return new_app()


def revoke(app: App, token: str, /, **changes: str):
    fields = {"token": token, "client_id": app.application.client_id} | changes
    if app.secret:
        fields = {"client_secret": app.secret} | fields
    return post_form("/oauth/revoke", fields)


def introspect(app: App, token: str):
    header = basic(app.application.client_id, app.secret)
    return post_form("/oauth/introspect", {"token": token}, **header)


@pytest.mark.parametrize("is_confidential", [True, False])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "rubbish"])
def test_an_application_ends_its_token(is_confidential, hint):
    app = new_app(is_confidential=is_confidential)
    token = app.token(person())
    changes = {} if hint is None else {"token_type_hint": hint}
    for _ in range(2):
        assert revoke(app, token, **changes).status_code == 200
        assert ask(token).status_code == 401


def test_another_applications_token_is_as_unknown_as_none(app):
    token = app.token(person())
    other = new_app(name="Другое")
    answers = {revoke(other, raw).content for raw in (token, make_secret("xr-oauth-"), "rubbish")}
    assert len(answers) == 1
    assert ask(token).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"token": ""}, 400, "invalid_request"),
        ({"token": "a\0b"}, 400, "invalid_request"),
        ({"token": "a" * 100_000}, 400, "invalid_request"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
    ],
)
def test_a_wrong_revocation_is_refused_in_json(app, changes, status, error):
    token = app.token(person())
    response = revoke(app, token, **changes)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert ask(token).status_code == 200


def test_a_confidential_application_must_prove_itself_to_revoke():
    app = new_app(is_confidential=True)
    token = app.token(person())
    assert revoke(app, token, client_secret="").status_code == 401
    assert ask(token).status_code == 200


def test_revocation_takes_forms_that_are_posted_alone():
    assert Client().get("/oauth/revoke").status_code == 405
    assert Client().post("/oauth/revoke", "{}", content_type="application/json").status_code == 415
    assert Client().options("/oauth/revoke").headers["Access-Control-Allow-Origin"] == "*"


def test_introspection_tells_what_a_token_may_and_how_long():
    app = new_app(is_confidential=True)
    result = introspect(app, app.token(person(), scope="chat usage")).json()
    assert result["active"] is True
    assert result["scope"] == "chat usage"
    assert result["client_id"] == app.application.client_id
    assert result["sub"] == str(person().pk)
    assert result["exp"] - result["iat"] in range(31_535_990, 31_536_010)
    assert "natasha" not in str(result)


def test_introspection_tells_nothing_of_what_is_not_live():
    app = new_app(is_confidential=True)
    ended = app.token(person())
    revoke(app, ended)
    for token in (ended, make_secret("xr-oauth-"), "rubbish"):
        response = introspect(app, token)
        assert (response.status_code, response.json()) == (200, {"active": False})


def test_a_server_may_ask_of_a_token_it_was_handed(app):
    server = new_app(is_confidential=True, name="Сервер", developer="anna@example.ru")
    assert introspect(server, app.token(person())).json()["active"] is True


def test_introspection_needs_a_client_that_proves_itself(app):
    token = app.token(person())
    fields = {"token": token, "client_id": app.application.client_id}
    for response in (
        post_form("/oauth/introspect", {"token": token}),
        post_form("/oauth/introspect", fields),
        post_form("/oauth/introspect", {"token": token}, Authorization=f"Bearer {token}"),
        post_form("/oauth/introspect", {"token": token}, **basic("nobody", "x")),
    ):
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert Client().get("/oauth/introspect").status_code == 405
    assert "Access-Control-Allow-Origin" not in Client().options("/oauth/introspect").headers


def test_all_tokens_and_codes_of_one_person_end_and_keys_stay(app):
    mine, also_mine = app.token(person()), new_app(name="Другое").token(person())
    theirs = app.token(person("anna@example.ru"))
    code = app.code(person())
    application = app.application
    key, raw = issuing.issue(
        account=own_account(person()), user=person(), name="made", application=application
    )
    revocation.revoke_all(user=person())
    assert [ask(token).status_code for token in (mine, also_mine, theirs)] == [401, 401, 200]
    assert app.redeem(code).status_code == 400
    assert ask(raw).status_code == 200
    assert key.application == application


def test_one_connection_ends_alone_with_its_keys_if_wanted(app):
    user, other = person(), new_app(name="Другое")
    account = own_account(user)
    raws = [
        issuing.issue(account=account, user=user, name="made", application=application)[1]
        for application in (app.application, other.application)
    ]
    token, code, others = app.token(user), app.code(user), other.token(user)
    revocation.revoke_connection(user=user, application=app.application)
    assert [ask(raw).status_code for raw in (token, others, *raws)] == [401, 200, 200, 200]
    assert app.redeem(code).status_code == 400
    revocation.revoke_connection(user=user, application=app.application, with_keys=True)
    assert [ask(raw).status_code for raw in raws] == [401, 200]


def test_an_application_can_be_ended_for_everybody(app):
    held = [app.token(person()), app.token(person("anna@example.ru"))]
    other = new_app(name="Другое").token(person())
    code = app.code(person())
    revocation.revoke_application(application=app.application)
    assert [ask(token).status_code for token in (*held, other)] == [401, 401, 200]
    assert app.redeem(code).status_code == 400


def test_every_refusal_of_a_token_is_the_same_as_of_a_key(app):
    ended, expired = app.token(person()), app.token(person())
    AccessToken.objects.filter(token_checksum=digest_of(expired)).update(expires=timezone.now())
    revoke(app, ended)
    answers = {
        ask(raw).content
        for raw in (ended, expired, make_secret("xr-oauth-"), make_secret("xr-live-"), "rubbish")
    }
    assert len(answers) == 1


def test_what_is_no_token_costs_no_query(django_assert_num_queries):
    good = make_secret("xr-oauth-")
    with django_assert_num_queries(0):
        for raw in (good[:-1], good + "0", good[:-1] + "!", "xr-oauth-", "xr-oauth-" + "0" * 49):
            with pytest.raises(InvalidCredential):
                authenticate(f"Bearer {raw}")


def test_a_suspended_account_is_told_so_and_its_tokens_end(app):
    token = app.token(person())
    Account.objects.filter(owner=person()).update(
        suspended_at=timezone.now(), suspension_reason="spam"
    )
    with pytest.raises(AccountSuspended):
        authenticate(f"Bearer {token}")
    Account.objects.filter(owner=person()).update(suspended_at=None, suspension_reason="")
    suspension.suspend(account=own_account(person()), reason="spam")
    suspension.resume(account=own_account(person()))
    assert ask(token).status_code == 401


def test_a_person_who_is_shut_out_loses_their_tokens(app):
    token, code = app.token(person()), app.code(person())
    suspension.set_active(user=person(), is_active=False)
    suspension.set_active(user=person(), is_active=True)
    assert ask(token).status_code == 401
    assert not Grant.objects.exists()
    assert app.redeem(code).status_code == 400


def test_a_request_notes_the_use_of_its_token(app):
    ask(app.token(person()))
    issued = IssuedToken.objects.get()
    assert issued.last_used_at is not None
    assert issued.last_used_from == "127.0.0.0/24"


def test_a_token_never_touches_the_key_of_the_same_number(app):
    key = issuing.issue(account=own_account(person()), user=person(), name="same")[0]
    token = app.token(person())
    APIKey.objects.filter(pk=key.pk).update(id=IssuedToken.objects.get().pk)
    ask(token)
    assert APIKey.objects.get().last_used_at is None


def test_past_use_keeps_the_name_of_its_application(app):
    app.token(person())
    account_id, token_id = own_account(person()).pk, IssuedToken.objects.get().pk
    revocation.revoke_all(user=person())
    used = [("oauth", token_id), ("oauth", token_id + 1), ("key", token_id)]
    assert list(credential_labels(account_id, used).values()) == ["Заметки", "OAuth", "ключ"]
    other_id = own_account(person("anna@example.ru")).pk
    assert credential_labels(other_id, used[:1]) == {used[0]: "OAuth"}
