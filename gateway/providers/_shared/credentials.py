"""Credentials of a provider: an API key, or access tokens that expire and are renewed."""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway.providers.errors import ProviderError
from infra.single_flight import SingleFlight

PAUSE_S = 10.0
"""Time before the next attempt when a token could not be renewed ahead of its end."""
SHORTEST_LIFE_S = 60.0
"""A token that seems to live shorter means a wrong clock of ours, not a renewal at every request."""

log = logging.getLogger(__name__)


class Credential(Protocol):
    """Gives the `Authorization` header. Thread safe."""

    def authorization(self) -> str | None:
        """Return the value of the header, None if the provider asks for none. Raises ProviderError."""
        ...

    def renew(self, refused: str | None) -> bool:
        """Replace what gave the `refused` header; False if there is nothing else to try."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """List what no text that leaves us may contain."""
        ...


class ApiKey:
    """A key that does not expire; an empty one where the provider asks for none, as Ollama."""

    def __init__(self, key: str | None, *, scheme: str = "Bearer") -> None:
        """Raise ValueError if no header could carry the key."""
        self._key = (key or "").strip()
        self._scheme = scheme
        if not self._key.isascii() or not self._key.isprintable() or " " in self._key:
            raise ValueError("An API key must be printable ASCII without blanks.")

    def authorization(self) -> str | None:
        return f"{self._scheme} {self._key}" if self._key else None

    def renew(self, refused: str | None) -> bool:
        return False

    def secrets(self) -> tuple[str, ...]:
        return (self._key,) if self._key else ()


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token, when to renew it and when it is of no use any more (Unix time by our clock)."""

    value: str
    renew_at_s: float
    expires_at_s: float

    @property
    def authorization(self) -> str:
        return f"Bearer {self.value}"


class RenewedToken:
    """The present access token: one for all threads, each renewal shared by all who wait for it."""

    def __init__(
        self,
        issue: Callable[[], AccessToken],
        *,
        now_s: Callable[[], float],
        secrets: Iterable[str] = (),
    ) -> None:
        """`issue` asks the provider for a new token and raises ProviderError; `secrets` are its own."""
        self._issue = issue
        self._now_s = now_s
        self._secrets = tuple(secrets)
        self._token: AccessToken | None = None
        self._flights: SingleFlight[None, AccessToken] = SingleFlight()
        self._renewing_ahead = threading.Lock()
        self._pause_until_s = 0.0

    def authorization(self) -> str:
        token, now_s = self._token, self._now_s()
        if token is None or now_s >= token.expires_at_s:
            token = self._newer_than(token)
        elif now_s >= max(token.renew_at_s, self._pause_until_s):
            token = self._renewed_ahead(token)
        return token.authorization

    def renew(self, refused: str | None) -> bool:
        token = self._token
        if token is None or token.authorization == refused:
            self._newer_than(token)
        return True

    def secrets(self) -> tuple[str, ...]:
        token = self._token
        return self._secrets if token is None else (*self._secrets, token.value)

    def _renewed_ahead(self, token: AccessToken) -> AccessToken:
        """Let one caller renew; the others go on with the token, which is still good."""
        if not self._renewing_ahead.acquire(blocking=False):
            return token
        try:
            return self._newer_than(token)
        except ProviderError as error:
            self._pause_until_s = self._now_s() + PAUSE_S
            log.warning("The access token could not be renewed: %s", error.message)
            return token
        finally:
            self._renewing_ahead.release()

    def _newer_than(self, stale: AccessToken | None) -> AccessToken:
        def issue() -> AccessToken:
            present = self._token
            if present is None or present is stale:
                self._token = present = self._issue()
            return present

        # A flight that began for an older token may return the stale one.
        while (token := self._flights.do(None, issue)) is stale:
            pass
        return token
