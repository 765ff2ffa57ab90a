"""Credentials of Yandex Cloud: an API key as it is, or IAM tokens, cached and renewed.

Source: yandex-cloud/docs, iam/concepts/authorization and _includes/iam-token-lifetime.md.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Protocol

from gateway.providers.errors import ProviderError, ProviderTimeout
from gateway.providers.yandexgpt.failures import PROVIDER
from gateway.providers.yandexgpt.iam import TOTAL_TIMEOUT_S, IamExchange, IamToken

_RENEW_AFTER_S = 3600.0
_TRY_AGAIN_AFTER_S = 60.0
"""How long a token that could not be renewed serves on before the next attempt."""
_SHORTEST_LIFE_S = 60.0
"""A token that seems to live shorter means a wrong clock of ours, not a call to IAM each time."""


class Credential(Protocol):
    """Gives the `Authorization` header. Thread safe."""

    def authorization(self) -> str: ...

    def renew(self, stale: str) -> bool:
        """Replace what gave the refused header `stale`; False if nothing newer can be had."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """Name what no text that leaves us may bear."""
        ...


class ApiKey:
    """A service account's API key: valid until it is deleted, hence not renewable."""

    def __init__(self, key: str) -> None:
        self._key = key

    def authorization(self) -> str:
        return f"Api-Key {self._key}"

    def renew(self, stale: str) -> bool:
        return False

    def secrets(self) -> tuple[str, ...]:
        return (self._key,)


@dataclass(frozen=True, slots=True)
class _Held:
    """A token in use; `renew_at_s` is a Unix stamp by our clock."""

    token: IamToken
    renew_at_s: float

    @property
    def header(self) -> str:
        return f"Bearer {self.token.value}"


class IamTokens:
    """IAM tokens of one service account: renewed hourly, exchanged once for all who wait."""

    def __init__(
        self,
        service_account_key: Mapping[str, Any],
        *,
        iam_url: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Read the content of a key file. Raises ValueError if it is none."""
        self._exchange = IamExchange(service_account_key, url=iam_url, clock=clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._flight: Future[_Held] | None = None

    def authorization(self) -> str:
        """Give the header, exchanging first if it is time.

        Raises:
            ProviderError: there is no token to serve with.
        """
        held = self._held
        if held is not None and self._clock() < held.renew_at_s:
            return held.header
        try:
            return self._newer_than(held).header
        except ProviderError:
            if held is None or self._clock() >= held.token.expires_at_s:
                raise
            # IAM is away, the token is still good: it serves on, and few requests pay for trying.
            with self._lock:
                if self._held is held:
                    self._held = replace(held, renew_at_s=self._clock() + _TRY_AGAIN_AFTER_S)
            return held.header

    def renew(self, stale: str) -> bool:
        held = self._held
        if held is None or held.header == stale:
            self._newer_than(held)
        return True

    def secrets(self) -> tuple[str, ...]:
        held = self._held
        return () if held is None else (held.token.value,)

    def _newer_than(self, stale: _Held | None) -> _Held:
        """Exchange, or wait for the exchange under way and share what comes of it."""
        with self._lock:
            if self._held is not None and self._held is not stale:
                return self._held
            flight, others = self._flight, self._flight is not None
            if flight is None:
                flight = self._flight = Future()
        if not others:
            self._fly(flight)
        try:
            return flight.result(timeout=2 * TOTAL_TIMEOUT_S)
        except TimeoutError:
            raise ProviderTimeout("Yandex IAM took too long.", provider=PROVIDER) from None

    def _fly(self, flight: Future[_Held]) -> None:
        try:
            token = self._exchange.issue()
        except BaseException as error:
            with self._lock:
                self._flight = None
            flight.set_exception(error)
            return
        now_s = self._clock()
        life_s = max(token.expires_at_s - now_s, _SHORTEST_LIFE_S)
        held = _Held(token, renew_at_s=now_s + min(_RENEW_AFTER_S, life_s / 2))
        with self._lock:
            self._held, self._flight = held, None
        flight.set_result(held)
