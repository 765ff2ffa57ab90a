"""A person with one of everything, and those who ask for it: a stranger, another person, an operator,
and whoever holds what the person has ended: a session, a key, a token.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client
from oauth2_provider.models import AccessToken, Application

from accounts import users
from accounts.keys import issuing
from accounts.model_map.changing import replace_entries
from accounts.models import (
    Account,
    AccountModelMap,
    APIKey,
    EventConfirmation,
    SecurityEvent,
    User,
)
from accounts.oauth import revocation
from accounts.security.models import Signal
from billing.ledger import balances, ledger
from billing.models import CreditAccount, LedgerEntry, Payment
from tests.accounts.oauth_clients import App, browser_of, challenge_of, new_app
from tests.accounts.operators import seat
from tests.gateway.customers import a_request
from tests.tenant_routes import TenantQuestion

MARK = "owners-own"
"""Stands in everything that the owner named; nobody else may read it."""
BY_TOKEN = ("/v1/keys", "/v1/model_map")
"""Paths of the scope `keys`, which no API key has."""
EVENT_ID, SESSION_ID = 7_770_001, 7_780_001  # found in no other text
OWNER, OTHER, STAFF = f"{MARK}@example.ru", "other@example.ru", "staff@example.ru"


@dataclass(frozen=True, slots=True)
class Names:
    """What the addresses of the owner's things are made of."""

    key: str
    generation: str
    payment: str
    app: str
    site_app: str
    event: str
    session: str
    challenge: str

    def filled(self, text: str) -> str:
        """Put the names in place of the braces."""
        for name, value in asdict(self).items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def unknown(self) -> "Names":
        """Return names as well-formed as these, of nothing."""
        return Names(
            key="0" * len(self.key),
            generation=f"gen-{uuid.UUID(int=7).hex}",
            payment=str(uuid.UUID(int=7)),
            app="x" * len(self.app),
            site_app=self.site_app,
            event=str(EVENT_ID + 1),
            session=str(SESSION_ID - 1),  # SQLite gives the next one to who logs in
            challenge=self.challenge,
        )


@dataclass(frozen=True, slots=True)
class Tenant:
    """Someone's browser and what their programs send."""

    browser: Client
    key: str = ""
    token: str = ""

    def ask(self, asked: TenantQuestion, path: str, body: str) -> Any:
        """Send what the path takes: a key or a token to the API, the session's cookie to a page."""
        form = "application/x-www-form-urlencoded"
        if not asked.is_api:
            return self.browser.generic(asked.method, path, body, content_type=form)
        credential = self.token if path.startswith(BY_TOKEN) else self.key
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        return Client().generic(
            asked.method, path, body, content_type="application/json", headers=headers
        )


@dataclass(frozen=True, slots=True)
class World:
    """All of it. `state` is what nobody but the owner may change, `before` as it was built."""

    people: dict[str, Tenant]
    names: Names
    state: Callable[[], Any]
    before: Any


def build() -> World:
    """Make the people and the owner's things."""
    cache.clear()
    balances.forget_all()
    owner, other, staff = map(_account, (OWNER, OTHER, STAFF))
    User.objects.filter(pk=staff.owner.pk).update(is_staff=True, is_superuser=True)
    staff.owner.refresh_from_db()
    site = new_app(developer="developer@example.ru", name="Site")
    own_app = new_app(developer=OWNER, name=f"{MARK} app", is_confidential=True)
    key, raw = issuing.issue(account=owner, user=owner.owner, name=f"{MARK} key")
    revoked, revoked_raw = issuing.issue(account=owner, user=owner.owner, name=f"{MARK} old key")
    revoked_token = site.token(owner.owner, scope="keys chat usage")
    revocation.revoke_all(user=owner.owner)
    generation = a_request(key, cost_nano=5)
    issuing.revoke(key=revoked)
    replace_entries(owner, {f"{MARK}-*": "gigachat-2"})
    payment = Payment.objects.create(
        account_id=owner.pk,
        amount_nano=10**9,
        idempotence_key=uuid.uuid4(),
        provider_id=f"{MARK}-payment",
        confirmation_url=f"https://yoomoney.ru/{MARK}",
    )
    left = browser_of(owner.owner)
    cookie = left.cookies["sessionid"].value
    left.post("/accounts/logout/")
    left.cookies["sessionid"] = cookie
    token = site.token(owner.owner, scope="keys chat usage")
    SecurityEvent.objects.create(
        pk=EVENT_ID,
        signal=Signal.MANY_NETWORKS,
        account=owner,
        api_key=key,
        evidence={"networks": [f"{MARK}/24"]},
    )
    elsewhere = browser_of(owner.owner)
    elsewhere.get("/cabinet/keys/")
    UserSession.objects.filter(session_key=elsewhere.session.session_key).update(id=SESSION_ID)
    people = {
        "anonymous": Tenant(Client()),
        "owner": Tenant(browser_of(owner.owner), raw, token),
        "other": _with_credentials(browser_of(other.owner), other, site),
        "revoked": Tenant(left, revoked_raw, revoked_token),
        "staff": _with_credentials(seat(Client(), staff.owner), staff, site),
    }
    names = Names(
        key=key.hash,
        generation=generation,
        payment=str(payment.idempotence_key),
        app=own_app.application.client_id,
        site_app=site.application.client_id,
        event=str(EVENT_ID),
        session=str(SESSION_ID),
        challenge=challenge_of(MARK * 5),
    )
    return World(people, names, lambda: _state(owner), _state(owner))


def text_of(response: Any) -> str:
    """Return the body, also of an answer that comes by the piece."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content, "utf-8")


def told_apart(text: str, names: Names) -> str:
    """Return the body without what differs in every answer, and without the names that were asked."""
    for name in asdict(names).values():
        text = text.replace(name, "NAME")
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)
    return re.sub(r"\b[0-9a-f]{32}\b", "REQUEST", text)


def _account(email: str) -> Account:
    account = users.register(email=email, password="correct horse battery")
    ledger.top_up(account.pk, 10**9, payment_id=f"the first of {email}")
    return account


def _with_credentials(browser: Client, account: Account, site: App) -> Tenant:
    _, raw = issuing.issue(account=account, user=account.owner, name="key")
    return Tenant(browser, raw, site.token(account.owner, scope="keys chat usage"))


def _state(owner: Account) -> Any:
    """Return every row of the owner's; that a key was used is not its change."""
    mine = {"account_id": owner.pk}
    return [
        [
            {**row, "last_used_at": None, "last_used_network": None}
            for row in rows.order_by("pk").values()
        ]
        for rows in (
            User.objects.filter(pk=owner.owner_id),
            Account.objects.filter(pk=owner.pk),
            APIKey.objects.filter(**mine),
            Application.objects.filter(user=owner.owner_id),
            AccessToken.objects.filter(user=owner.owner_id),
            CreditAccount.objects.filter(**mine),
            LedgerEntry.objects.filter(**mine),
            Payment.objects.filter(**mine),
            AccountModelMap.objects.filter(**mine),
            EventConfirmation.objects.filter(event__account=owner.pk),
        )
    ]
