"""Access tokens of GigaChat: one for all threads, renewed ahead of time by one of all waiters.

Source: developers.sber.ru/docs/ru/gigachat/api/authorization; ai-forever/gigachat, api/auth.py and
authentication.py; read 2026-11.
"""

import base64
import binascii
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from uuid import uuid4

import orjson
import requests

from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderProtocolError,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.gigachat.failures import PROVIDER, refusal

RENEW_AHEAD_S = 60.0
FETCH_S = 5.0
CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 3.0
PAUSE_S = 10.0
"""How long a token that could not be renewed ahead of time serves on before the next attempt."""
USUAL_LIFE_S = 1_800.0
SHORTEST_LIFE_S = 60.0
"""A token that seems to live shorter at its birth means a wrong clock: a 401 will tell its end."""
ANSWER_BYTES_MAX = 65_536
MILLISECONDS_FROM = 10**11

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token, when to renew it and when it is of no use any more (Unix time)."""

    value: str
    renew_at_s: float
    dies_at_s: float


class AccessTokens:
    """The present token of one authorisation key and scope. Thread safe."""

    def __init__(
        self,
        *,
        auth_url: str,
        credentials: str,
        scope: str,
        ca_bundle_file: str | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Take the key as the console hands it out, base64. Raises ValueError if it cannot be."""
        self._key = "".join(credentials.split())
        if not self._key.isascii() or not self._key.isprintable():
            raise ValueError("The authorisation key of GigaChat must be base64.")
        self._auth_url = auth_url
        self._scope = scope
        self._verify: str | bool = ca_bundle_file or True
        self._now_s = now_s
        self._lock = threading.Lock()
        self._token: AccessToken | None = None
        self._fetches = 0
        self._failure: ProviderError | None = None
        self._pause_until_s = 0.0

    def current(self) -> str:
        """Give a token that is good. Raises ProviderError when none can be had."""
        token = self._token
        now_s = self._now_s()
        if token is None or now_s >= token.dies_at_s:
            return self._fetched_once_for_all(token)
        if now_s >= token.renew_at_s and now_s >= self._pause_until_s:
            return self._renewed_ahead(token)
        return token.value

    def renew(self, stale: str) -> str:
        """Give another token than `stale`, which was refused."""
        token = self._token
        if token is not None and token.value != stale:
            return token.value
        return self._fetched_once_for_all(token)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be seen: the key, its two halves, the token."""
        token = self._token
        try:
            halves = base64.b64decode(self._key).decode().split(":", 1)
        except (binascii.Error, UnicodeDecodeError):
            halves = []
        return (self._key, *halves, *([token.value] if token is not None else []))

    def _renewed_ahead(self, token: AccessToken) -> str:
        # One caller renews; the others go on with the token, which is still good.
        if self._lock.acquire(blocking=False):
            try:
                if self._token is token:
                    self._token = self._fetch()
            except ProviderError as error:
                self._pause_until_s = self._now_s() + PAUSE_S
                log.warning("The access token could not be renewed: %s", error.message)
            finally:
                self._lock.release()
        present = self._token or token
        return present.value

    def _fetched_once_for_all(self, stale: AccessToken | None) -> str:
        fetches = self._fetches
        if not self._lock.acquire(timeout=FETCH_S):
            raise _late()
        try:
            token = self._token
            if token is not None and token is not stale:
                return token.value
            if self._fetches != fetches and self._failure is not None:
                # Another waiter has just failed; to queue up for the same would be no better.
                raise _again(self._failure)
            self._fetches += 1
            try:
                self._token = token = self._fetch()
            except ProviderError as error:
                self._failure = error
                raise
            self._failure = None
            return token.value
        finally:
            self._lock.release()

    def _fetch(self) -> AccessToken:
        """Ask for a token. Raises ProviderError."""
        end_s = time.monotonic() + FETCH_S
        body = bytearray()
        try:
            with (
                _session() as session,
                session.post(
                    self._auth_url,
                    data={"scope": self._scope},
                    headers={
                        "Authorization": f"Basic {self._key}",
                        "RqUID": str(uuid4()),
                        "Accept": "application/json",
                        "Accept-Encoding": "identity",
                    },
                    timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                    verify=self._verify,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                for piece in response.iter_content(4_096):
                    body += piece
                    if len(body) > ANSWER_BYTES_MAX:
                        raise _garbled()
                    if time.monotonic() > end_s:
                        raise _late()
                status = response.status_code
        except requests.ConnectTimeout as error:
            raise _unreachable() from error
        except requests.Timeout as error:
            raise _late() from error
        except (requests.RequestException, OSError) as error:
            raise _unreachable() from error
        if status == 200:
            return _read(bytes(body), self._now_s())
        raise self._refusal(status, bytes(body))

    def _refusal(self, status: int, body: bytes) -> ProviderError:
        error = refusal(status, body, secrets=self.secrets)
        if 400 <= status < 500 and status not in (408, 429):
            # Nothing about the caller's request: our key, scope or address is wrong.
            return ProviderAuthError(
                "The provider refuses our credential.",
                provider=PROVIDER,
                status=status,
                raw=error.raw,
            )
        return error


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _read(body: bytes, now_s: float) -> AccessToken:
    """Read `{"access_token", "expires_at"}` or `{"tok", "exp"}`, the time in s or ms."""
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        raise _garbled()
    value = answer.get("access_token", answer.get("tok"))
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise _garbled()
    expires_at = answer.get("expires_at", answer.get("exp"))
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
        life_s = USUAL_LIFE_S
    else:
        expires_at_s = expires_at / 1000 if expires_at >= MILLISECONDS_FROM else expires_at
        life_s = max(expires_at_s - now_s, SHORTEST_LIFE_S)
    return AccessToken(
        value,
        renew_at_s=now_s + life_s - min(RENEW_AHEAD_S, life_s / 2),
        dies_at_s=now_s + life_s,
    )


def _unreachable() -> ProviderUnavailable:
    return ProviderUnavailable("The provider's token endpoint is away.", provider=PROVIDER)


def _late() -> ProviderTimeout:
    return ProviderTimeout("The provider's token endpoint is too slow.", provider=PROVIDER)


def _garbled() -> ProviderProtocolError:
    return ProviderProtocolError(
        "The provider's token endpoint gave no token.", provider=PROVIDER, status=200
    )


def _again(error: ProviderError) -> ProviderError:
    return type(error)(
        error.message,
        provider=error.provider,
        status=error.status,
        raw=error.raw,
        retry_after_s=error.retry_after_s,
    )
