"""A person whose cabinet is full: keys in every state, requests, an application, money."""

import json
from dataclasses import asdict, dataclass

from tests.accounts.oauth_clients import challenge_of
from tests.browser.visitors import PASSWORD, Site

RESIDENT = "resident@example.ru"
FURNISH = """
    import json, sys
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from accounts.keys import issuing
    from accounts import users
    from accounts.oauth import applications
    from accounts.security import events, leaks
    from accounts.security.models import Signal
    from billing.ledger import ledger
    from billing.models import Payment
    email, developer, password, callback = sys.argv[1:]
    person = users.register(email=email, password=password, is_confirmed=True)
    owner = person.owner
    ledger.top_up(person.pk, 1500 * 10**9, payment_id=f"first of {email}", reason="YooKassa")
    Payment.objects.create(account=person, amount_nano=700 * 10**9, status="canceled")
    key, raw = issuing.issue(account=person, user=owner, name="Shop")
    limited, _ = issuing.issue(
        account=person, user=owner, name="Assistant of the support", limit_nano=100_500_000_000,
        limit_reset="monthly", allowed_models=["gigachat-basic", "gigachat-pro"],
    )
    off, _ = issuing.issue(account=person, user=owner, name="Nightly reports", disabled=True)
    gone, _ = issuing.issue(account=person, user=owner, name="Old site")
    issuing.revoke(key=gone)
    issuing.issue(account=person, user=owner, name="Our tests", is_test=True)
    networks = [f"198.51.{number}.0/24" for number in range(6)]
    events.raise_event(
        Signal.MANY_NETWORKS, key_id=limited.pk, evidence={"networks": networks}
    )
    events.raise_event(
        Signal.MODERATION_REFUSALS, account_id=person.pk, evidence={"refused": 11, "requests": 20}
    )
    _, leaked = issuing.issue(account=person, user=owner, name="Published by mistake")
    leaks.report([leaked])
    other = users.register(email=developer, password=password, is_confirmed=True).owner
    app, secret = applications.register(
        user=other, name="Notes", addresses=[callback], is_confidential=True,
    )
    mine, _ = applications.register(
        user=owner, name="My assistant", addresses=[callback], is_confidential=False,
    )
    session = SessionStore()
    session[SESSION_KEY] = str(owner.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = owner.get_session_auth_hash()
    session.create()
    print(json.dumps({"session": session.session_key,
        "key": raw, "hash": key.hash, "limited": limited.hash,
        "revoked": gone.hash,
        "client_id": app.client_id, "client_secret": secret,
        "own_client_id": mine.client_id}))
"""


@dataclass(frozen=True, slots=True)
class Furnished:
    """The person's address, a session in which they are logged in, and what stands in their cabinet."""

    email: str
    session: str
    key: str
    key_hash: str
    limited_hash: str
    revoked_hash: str
    client_id: str
    client_secret: str
    own_client_id: str
    generation_id: str
    callback: str
    challenge: str = challenge_of("a verifier of the consent page")

    def in_addresses(self) -> dict[str, str]:
        """Return what the addresses of this person's pages are made of."""
        return asdict(self)


def furnish(site: Site, email: str) -> Furnished:
    """Register the person and send some requests in their name."""
    callback = f"http://{site.elsewhere}/callback"
    printed = site.service.python(FURNISH, email, f"developer-of-{email}", PASSWORD, callback)
    result = json.loads(printed)
    with site.service.openai(result["key"]) as client:
        for model in ("gigachat-basic", "gigachat-pro", "yandexgpt"):
            answer = client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "Hello!"}]
            )
    return Furnished(
        email=email,
        session=result["session"],
        key=result["key"],
        key_hash=result["hash"],
        limited_hash=result["limited"],
        revoked_hash=result["revoked"],
        client_id=result["client_id"],
        client_secret=result["client_secret"],
        own_client_id=result["own_client_id"],
        generation_id=answer.id,
        callback=callback,
    )
