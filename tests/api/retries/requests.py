"""Requests with the headers that retries are known by, and the identities that come of them."""

from typing import Any

from django.http import HttpRequest
from django.test import RequestFactory

from accounts.principal import Principal
from gateway.api.dialects.openai_chat import OPENAI_CHAT
from gateway.api.retries.identity import Identity, identity_of

CHAT = "/v1/chat/completions"
KEY = "xr-live-" + "a" * 49
CALLER = Principal(
    account_id=1,
    user_id=1,
    credential_kind="key",
    credential_id=1,
    scopes=frozenset({"chat"}),
    label="",
)
BODY: dict[str, Any] = {
    "model": "gigachat-pro",
    "messages": [{"role": "user", "content": "Привет"}],
}


def request(key: str = KEY, path: str = CHAT, **headers: str) -> HttpRequest:
    """Return a request; `retry` and `keyed` are the values of its headers."""
    names = {"retry": "x-stainless-retry-count", "keyed": "Idempotency-Key"}
    named = {names[name]: value for name, value in headers.items()}
    return RequestFactory().post(path, headers={"Authorization": f"Bearer {key}", **named})


def identity(body: dict[str, Any] = BODY, **options: str) -> Identity:
    """Return the identity of a request that has one."""
    found = identity_of(request(**options), body, CALLER, OPENAI_CHAT)
    assert found is not None
    return found
