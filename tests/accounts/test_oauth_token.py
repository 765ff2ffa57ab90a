"""The token endpoint: one code, one token, one year, and nothing kept that could be stolen."""

import io
import threading
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from accounts.keys.key_format import digest_of, token_well_formed
from accounts.models import IssuedToken
from accounts.users import own_account
from tests.accounts.oauth_clients import (
    App,
    ask,
    basic,
    challenge_of,
    new_app,
    person,
    post_form,
)

pytestmark = pytest.mark.django_db

YEAR_S = 31_536_000
HANG_S = 60


@pytest.fixture
def app() -> App:
    return new_app()


def refused(response, error: str, status: int = 400) -> None:
    """Say that the answer is an error as in RFC 6749."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json()["error"] == error
    assert set(response.json()) == {"error", "error_description"}


@pytest.mark.parametrize("is_confidential", [True, False])
def test_a_code_is_good_for_a_token_of_a_year(is_confidential):
    app = new_app(is_confidential=is_confidential)
    response = app.redeem(app.code(person(), scope="usage chat"))
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"access_token", "token_type", "expires_in", "scope"}
    assert token_well_formed(answer["access_token"])
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", YEAR_S)
    assert answer["scope"].split() == ["usage", "chat"]
    life = AccessToken.objects.get().expires - timezone.now()
    assert timedelta(0) <= timedelta(seconds=YEAR_S) - life < timedelta(minutes=1)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_token_opens_what_its_scopes_say_and_is_its_users():
    app = new_app()
    token = app.token(person(), scope="chat")
    card = ask(token).json()["data"]
    assert (card["label"], card["is_test"]) == ("Заметки", False)
    denied = ask(token, "/v1/credits")
    assert denied.status_code == 403
    assert denied.json()["error"]["code"] == "insufficient_scope"
    assert ask(app.token(person(), scope="usage"), "/v1/credits").status_code == 200
    assert IssuedToken.objects.filter(account=own_account(person())).count() == 2


def test_no_refresh_token_is_made(app):
    app.token(person())
    assert not RefreshToken.objects.exists()
    refused(
        post_form("/oauth/token", {"grant_type": "refresh_token", "refresh_token": "x"}),
        "unsupported_grant_type",
    )


def test_what_could_be_stolen_is_in_no_table():
    app = new_app(is_confidential=True)
    unused = app.code(person())
    code = app.code(person())
    token = app.redeem(code).json()["access_token"]
    dump = io.StringIO()
    call_command("dumpdata", "accounts", "oauth2_provider", "sessions", "admin", stdout=dump)
    for secret in (app.secret, unused, code, token, app.verifier):
        assert secret not in dump.getvalue()
    assert digest_of(token) in dump.getvalue()


@pytest.mark.parametrize("way", ["header", "body"])
def test_a_confidential_application_proves_itself(way):
    app = new_app(is_confidential=True)
    client_id = app.application.client_id
    for secret, status in ((app.secret, 200), (app.secret[:-1], 401), ("", 401), ("%", 401)):
        fields = app.token_fields(app.code(person()), client_secret=None)
        if way == "header":
            del fields["client_id"]
            response = post_form("/oauth/token", fields, **basic(client_id, secret))
        else:
            response = post_form("/oauth/token", fields | {"client_secret": secret})
        assert response.status_code == status
        if status == 401:
            refused(response, "invalid_client", 401)
            assert response.headers["WWW-Authenticate"].startswith("Basic")


def test_a_public_application_may_name_itself_in_the_header(app):
    """As requests-oauthlib does, with an empty secret."""
    header = basic(app.application.client_id, "")
    fields = app.token_fields(app.code(person()))
    refused(
        post_form("/oauth/token", fields | {"client_id": "another"}, **header),
        "invalid_client",
        401,
    )
    refused(
        post_form("/oauth/token", fields, **basic(app.application.client_id, "x")),
        "invalid_client",
        401,
    )
    del fields["client_id"]
    token = post_form("/oauth/token", fields, **header).json()["access_token"]
    assert ask(token).status_code == 200
    refused(post_form("/oauth/introspect", {"token": token}, **header), "invalid_client", 401)
    assert post_form("/oauth/revoke", {"token": token}, **header).status_code == 200
    assert ask(token).status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic я",
        "Basic " + "A" * 70_000,
        "Basic /////w==",
        "Basic YQ==",
        "Basic OmE=",
        "Basic JTAwOiUwMA==",
        "Basic JUZGOiVGRg==",
        "Bearer xr-oauth-1",
        "Digest a",
    ],
)
def test_a_header_that_proves_nothing_is_refused(header):
    app = new_app(is_confidential=True)
    fields = app.token_fields(app.code(person()), client_secret=None)
    refused(post_form("/oauth/token", fields, Authorization=header), "invalid_client", 401)


def test_a_secret_is_sent_one_way():
    app = new_app(is_confidential=True)
    header = basic(app.application.client_id, app.secret)
    fields = app.token_fields(app.code(person()))
    refused(post_form("/oauth/token", fields, **header), "invalid_request")
    del fields["client_secret"]
    other = fields | {"client_id": new_app().application.client_id}
    refused(post_form("/oauth/token", other, **header), "invalid_client", 401)
    assert post_form("/oauth/token", fields, **header).status_code == 200


def test_a_public_application_has_no_secret(app):
    for secret in ("x", "None"):
        refused(app.redeem(app.code(person()), client_secret=secret), "invalid_client", 401)
    assert app.redeem(app.code(person()), client_secret="").status_code == 200


@pytest.mark.parametrize(
    "verifier", [None, "", "a" * 42, "a" * 129, "wrong" * 10, "ё" * 43, "a" * 42 + "+"]
)
def test_a_wrong_verifier_opens_nothing(app, verifier):
    code = app.code(person(), code_challenge=challenge_of(verifier or ""))
    good = challenge_of(app.verifier) == challenge_of(verifier or "")
    response = app.redeem(
        code, code_verifier=verifier if verifier != "wrong" * 10 else "other" * 10
    )
    assert not good
    assert response.status_code == 400
    assert response.json()["error"] in {"invalid_grant", "invalid_request"}
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "openid"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, "unsupported_grant_type"),
        ({"code": None}, "invalid_request"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": "я"}, "invalid_grant"),
        ({"code": "a\0b"}, "invalid_request"),
        ({"code": "a" * 100_000}, "invalid_request"),
        ({"client_id": "a\0b"}, "invalid_request"),
        ({"redirect_uri": "https://app.example.ru/other"}, "invalid_grant"),
        ({"redirect_uri": "https://app.example.ru/back/"}, "invalid_grant"),
        ({"scope": "chat keys"}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_a_wrong_request_is_refused_and_the_code_stays_good(app, changes, error):
    code = app.code(person())
    refused(app.redeem(code, **changes), error)
    assert app.redeem(code).status_code == 200


@pytest.mark.parametrize("client_id", [None, "", "nobody"])
def test_an_unknown_client_is_refused(app, client_id):
    refused(app.redeem(app.code(person()), client_id=client_id), "invalid_client", 401)


@pytest.mark.parametrize(
    "more",
    [
        "code=again",
        "client_id=again",
        "x=1&x=2",
        "x=%00",
        "x=%ED%A0%80",
        "x=%C0%80",
        "&".join(f"x{number}=1" for number in range(60)),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(app, more):
    fields = urlencode(app.token_fields(app.code(person())))
    refused(post_form("/oauth/token", f"{fields}&{more}"), "invalid_request")


def test_what_means_nothing_is_ignored(app):
    fields = urlencode(app.token_fields(app.code(person())))
    victim = person("anna@example.ru").pk
    more = f"user={victim}&client=x&scopes=keys&grant=x&resource=https://a&resource=https://b"
    response = post_form("/oauth/token", f"{fields}&{more}")
    assert (response.status_code, response.json()["scope"]) == (200, "chat")
    assert AccessToken.objects.get().user == person()


def test_fewer_scopes_may_be_taken_than_were_granted(app):
    response = app.redeem(app.code(person(), scope="chat usage keys"), scope="usage")
    assert response.json()["scope"] == AccessToken.objects.get().scope == "usage"


def test_the_endpoint_takes_forms_that_are_posted_alone(app):
    fields = app.token_fields(app.code(person()))
    for method in ("get", "put", "patch", "delete", "head"):
        response = getattr(Client(), method)("/oauth/token", fields)
        assert response.status_code == 405
        assert response.headers["Allow"] == "POST"
    assert Client().get("/oauth/token").json()["error"] == "invalid_request"
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=a"):
        response = Client().post("/oauth/token", "{}", content_type=kind)
        refused(response, "invalid_request", 415)
    refused(post_form(f"/oauth/token?{urlencode(fields)}", {}), "invalid_request")
    refused(post_form("/oauth/token?a=1", fields), "invalid_request")
    refused(post_form("/oauth/token", ""), "invalid_request")
    assert post_form("/oauth/token/", fields).status_code == 200


def test_a_script_of_any_origin_may_ask(app):
    asked = Client().options("/oauth/token", headers={"Origin": "https://spa.example.ru"})
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in asked.headers
    failed = app.redeem("unknown")
    assert failed.headers["Access-Control-Allow-Origin"] == "*"


def test_a_code_lives_a_minute(app):
    code = app.code(person())
    grant = Grant.objects.get()
    assert timedelta(seconds=50) < grant.expires - timezone.now() <= timedelta(seconds=60)
    Grant.objects.update(expires=timezone.now() - timedelta(seconds=1))
    refused(app.redeem(code), "invalid_grant")


def test_a_code_is_its_own_applications(app):
    code = app.code(person())
    other = new_app(name="Другое")
    other.verifier = app.verifier
    refused(other.redeem(code), "invalid_grant")
    assert app.redeem(code).status_code == 200


def test_a_code_of_a_person_who_is_shut_out_opens_nothing(app):
    code = app.code(person())
    Grant.objects.get().user.__class__.objects.filter(pk=person().pk).update(is_active=False)
    refused(app.redeem(code), "invalid_grant")


def test_a_code_that_is_used_again_ends_its_token_and_no_other(app):
    other = app.token(person())
    code = app.code(person())
    token = app.redeem(code).json()["access_token"]
    assert ask(token).status_code == 200
    refused(app.redeem(code), "invalid_grant")
    assert ask(token).status_code == 401
    assert ask(other).status_code == 200
    refused(app.redeem(code), "invalid_grant")
    assert AccessToken.objects.count() == 2


def test_another_application_that_uses_a_code_again_ends_its_token_too(app):
    code = app.code(person())
    token = app.redeem(code).json()["access_token"]
    refused(new_app(name="Другое").redeem(code), "invalid_grant")
    assert ask(token).status_code == 401


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_twenty_who_redeem_a_code_at_once_one_is_answered(app):
    code = app.code(person())
    barrier = threading.Barrier(20)
    statuses: list[int] = []

    def redeem() -> None:
        barrier.wait(HANG_S)
        try:
            statuses.append(app.redeem(code).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=redeem) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    assert sorted(statuses) == [200] + [400] * 19
    # The nineteen used the code again, so that the one token of it is ended.
    [token] = AccessToken.objects.all()
    assert token.is_expired()
    assert not Grant.objects.exists()
