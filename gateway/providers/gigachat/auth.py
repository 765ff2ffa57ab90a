"""Access tokens of GigaChat, which the authorisation key of a project is exchanged for.

Source: developers.sber.ru/docs/ru/gigachat/api/authorization; ai-forever/gigachat, api/auth.py and
authentication.py; read 2026-11.
"""

import base64
import binascii
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson

from gateway.providers._shared.credentials import SHORTEST_LIFE_S, AccessToken, RenewedToken
from gateway.providers._shared.redaction import redact
from gateway.providers._shared.tls import client_context
from gateway.providers._shared.token_request import no_token, post_for_token
from gateway.providers.errors import ProviderAuthError, ProviderError
from gateway.providers.gigachat.failures import PROVIDER, error_from_response
from gateway.providers.gigachat.roots import extra_roots

RENEW_AHEAD_S = 60.0
USUAL_LIFE_S = 1_800.0
MILLISECONDS_FROM = 10**11


def access_token(
    *,
    auth_url: str,
    credentials: str,
    scope: str,
    ca_bundle_file: str | None = None,
    connect_timeout_s: float = 3.0,
    read_timeout_s: float = 60.0,
    now_s: Callable[[], float] = time.time,
) -> RenewedToken:
    """Take the key as the console hands it out, base64; nothing is sent yet.

    Raises ValueError if it cannot be base64, OSError without the CA bundle.
    """
    key = "".join(credentials.split())
    if not key.isascii() or not key.isprintable():
        raise ValueError("The authorisation key of GigaChat must be base64.")
    secrets = _secrets(key)
    tls = None
    if auth_url.startswith("https://"):
        tls = client_context(ca_bundle_file, extra_roots=extra_roots(auth_url))

    def issue() -> AccessToken:
        status, body = post_for_token(
            auth_url,
            provider=PROVIDER,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            form={"scope": scope},
            headers={
                "Authorization": f"Basic {key}",
                "RqUID": str(uuid4()),
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
            tls=tls,
        )
        if status != 200:
            raise _refusal(status, body, secrets)
        return _read(body, now_s())

    return RenewedToken(issue, now_s=now_s, secrets=secrets)


def _secrets(key: str) -> tuple[str, ...]:
    """List the key and its two halves, client id and client secret."""
    try:
        return (key, *base64.b64decode(key).decode().split(":", 1))
    except (binascii.Error, UnicodeDecodeError):
        return (key,)


def _refusal(status: int, body: bytes, secrets: tuple[str, ...]) -> ProviderError:
    error = error_from_response(status, body, redact=lambda text: redact(text, secrets))
    if 400 <= status < 500 and status not in (408, 429):
        # Nothing about the caller's request: our key, scope or address is wrong.
        return ProviderAuthError(
            "The provider refuses our credential.", provider=PROVIDER, status=status, raw=error.raw
        )
    return error


def _read(body: bytes, now_s: float) -> AccessToken:
    """Read `{"access_token", "expires_at"}` or `{"tok", "exp"}`, the time in s or ms."""
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        raise no_token(PROVIDER)
    value = answer.get("access_token", answer.get("tok"))
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise no_token(PROVIDER)
    expires_at = answer.get("expires_at", answer.get("exp"))
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
        life_s = USUAL_LIFE_S
    else:
        expires_at_s = expires_at / 1000 if expires_at >= MILLISECONDS_FROM else expires_at
        life_s = max(expires_at_s - now_s, SHORTEST_LIFE_S)
    return AccessToken(
        value,
        renew_at_s=now_s + life_s - min(RENEW_AHEAD_S, life_s / 2),
        expires_at_s=now_s + life_s,
    )
