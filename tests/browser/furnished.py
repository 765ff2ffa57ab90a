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
    from accounts import api_keys, users
    from accounts.oauth import applications
    from billing import ledger
    email, developer, password, callback = sys.argv[1:]
    person = users.register(email=email, password=password, is_confirmed=True)
    owner = person.owner
    ledger.top_up(person.pk, 1500 * 10**9, payment_id=f"first of {email}", reason="YooKassa")
    key, raw = api_keys.issue(account=person, user=owner, name="Shop")
    limited, _ = api_keys.issue(
        account=person, user=owner, name="Assistant of the support", limit_nano=100_500_000_000,
        limit_reset="monthly", allowed_models=["gigachat-basic", "gigachat-pro"],
    )
    off, _ = api_keys.issue(account=person, user=owner, name="Nightly reports", disabled=True)
    gone, _ = api_keys.issue(account=person, user=owner, name="Old site")
    api_keys.revoke(key=gone)
    api_keys.issue(account=person, user=owner, name="Our tests", is_test=True)
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
    told = json.loads(printed)
    with site.service.openai(told["key"]) as client:
        for model in ("gigachat-basic", "gigachat-pro", "yandexgpt"):
            answer = client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "Hello!"}]
            )
    return Furnished(
        email=email,
        session=told["session"],
        key=told["key"],
        key_hash=told["hash"],
        limited_hash=told["limited"],
        revoked_hash=told["revoked"],
        client_id=told["client_id"],
        client_secret=told["client_secret"],
        own_client_id=told["own_client_id"],
        generation_id=answer.id,
        callback=callback,
    )
