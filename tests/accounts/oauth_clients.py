"""An application, a person and the dance between them, as the OAuth tests begin."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client
from oauth2_provider.models import Application

from accounts.models import User
from accounts.oauth import applications
from tests.accounts.people import NATASHA, account_of

DEVELOPER = "pierre@example.ru"
CALLBACK = "https://app.example.ru/back"


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return the header of a confidential application."""
    pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def person(email: str = NATASHA) -> User:
    return account_of(email).owner


def browser_of(user: User, **options: Any) -> Client:
    """Return a browser in which the person is logged in."""
    browser = Client(**options)
    browser.force_login(user)
    return browser


def query_of(response: Any) -> dict[str, str]:
    """Return the parameters of where a response leads."""
    query = parse_qs(urlsplit(response.headers["Location"]).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in query.values())
    return {name: values[0] for name, values in query.items()}


@dataclass
class App:
    """A registered application and what it remembers of one dance."""

    application: Application
    secret: str
    redirect_uri: str = CALLBACK
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def authorize_url(self, **changes: str | None) -> str:
        """Return the address of the consent page; a change to None leaves the parameter out."""
        fields = {
            "response_type": "code",
            "client_id": self.application.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "chat",
            "state": "a state",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        } | changes
        named = {name: value for name, value in fields.items() if value is not None}
        return f"/oauth/authorize?{urlencode(named)}"

    def code(self, user: User, **changes: str | None) -> str:
        """Return a code that the person agreed to."""
        response = browser_of(user).post(self.authorize_url(**changes), {"allow": "yes"})
        assert response.status_code == 302, response.content
        return query_of(response)["code"]

    def token_fields(self, code: str, /, **changes: str | None) -> dict[str, str]:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "client_id": self.application.client_id,
            "client_secret": self.secret or None,
            "code_verifier": self.verifier,
        } | changes
        return {name: value for name, value in fields.items() if value is not None}

    def redeem(self, code: str, /, **changes: str | None) -> Any:
        """Ask for a token."""
        return post_form("/oauth/token", self.token_fields(code, **changes))

    def token(self, user: User, **changes: str | None) -> str:
        """Return an access token that the person agreed to."""
        response = self.redeem(self.code(user, **changes))
        assert response.status_code == 200, response.content
        return str(response.json()["access_token"])


def new_app(
    *addresses: str,
    is_confidential: bool = False,
    developer: str = DEVELOPER,
    name: str = "Заметки",
) -> App:
    """Register an application."""
    addresses = addresses or (CALLBACK,)
    application, secret = applications.register(
        user=person(developer), name=name, addresses=addresses, is_confidential=is_confidential
    )
    return App(application, secret, redirect_uri=addresses[0])


def post_form(path: str, fields: dict[str, str] | str, **headers: str) -> Any:
    """Post a form as an application does: without cookies and without a CSRF token."""
    body = fields if isinstance(fields, str) else urlencode(fields)
    return Client(enforce_csrf_checks=True).post(
        path, body, content_type="application/x-www-form-urlencoded", headers=headers
    )


def ask(token: str, path: str = "/v1/key") -> Any:
    """Call the API with a token."""
    return Client().get(path, headers={"Authorization": f"Bearer {token}"})
