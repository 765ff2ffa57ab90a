"""Authorised requests to a provider's API: one renewal of a refused token, refusals as errors."""

import logging
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from functools import partial
from types import MappingProxyType
from typing import Protocol

import orjson

from gateway.providers._shared.credentials import Credential
from gateway.providers._shared.http_client import (
    JSON,
    Deadline,
    HttpClient,
    HttpResponse,
    drain,
)
from gateway.providers._shared.redaction import Redact, redact
from gateway.providers._shared.retry_after import retry_after_s
from gateway.providers.base import AccountModels, CancelToken
from gateway.providers.errors import ProviderError, ProviderProtocolError
from gateway.providers.tick import Tick

JSON_HEADERS: Mapping[str, str] = MappingProxyType({"Content-Type": JSON, "Accept": JSON})

log = logging.getLogger(__name__)


class ErrorReader(Protocol):
    """Makes the error that an answer other than success means."""

    def __call__(
        self, status: int, body: bytes, *, redact: Redact, retry_after_s: float | None
    ) -> ProviderError: ...


class ApiClient:
    """One origin under one credential. Thread safe."""

    def __init__(
        self,
        http: HttpClient,
        credential: Credential,
        *,
        read_error: ErrorReader,
        secrets: Iterable[str] = (),
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """`secrets` are to be masked in errors beside those of the credential."""
        self._http = http
        self._credential = credential
        self._read_error = read_error
        self._secrets = tuple(secrets)
        self._now_s = now_s

    def open(
        self,
        path: str,
        body: bytes | None,
        *,
        cancel_token: CancelToken,
        headers: Mapping[str, str] = JSON_HEADERS,
    ) -> Generator[Tick, None, HttpResponse]:
        """POST, or GET where there is no body, and return an answer of success, which the caller closes.

        A refused token is renewed once, whatever the request: nothing of it was done.
        """
        is_renewed = False
        while True:
            authorization = self._credential.authorization()
            sent = {**headers, **({"Authorization": authorization} if authorization else {})}
            response = yield from self._http.send(
                "GET" if body is None else "POST",
                path,
                headers=sent,
                body=body,
                cancel_token=cancel_token,
            )
            log.debug(
                "%s %s: %d, x-request-id %s, x-server-trace-id %s",
                self._http.provider,
                path,
                response.status,
                response.headers.get("x-request-id"),
                response.headers.get("x-server-trace-id"),
            )
            if 200 <= response.status < 300:
                return response
            refusal = yield from _error_body(response)
            if response.status == 401 and not is_renewed and self._credential.renew(authorization):
                is_renewed = True
                continue
            # The token may have been replaced meanwhile.
            used = (authorization or "").rpartition(" ")[2]
            raise self._read_error(
                response.status,
                refusal,
                redact=partial(redact, secrets=(*self._all_secrets(), used)),
                retry_after_s=retry_after_s(
                    response.headers.get("retry-after"), now_s=self._now_s()
                ),
            )

    def ask(
        self,
        path: str,
        body: bytes | None,
        *,
        cancel_token: CancelToken,
        headers: Mapping[str, str] = JSON_HEADERS,
    ) -> Generator[Tick, None, bytes]:
        """POST, or GET where there is no body, and return the whole body of an answer of success."""
        response = yield from self.open(path, body, cancel_token=cancel_token, headers=headers)
        with closing(response):
            return (yield from response.read())

    def list_models(self, path: str, *, timeout_s: float) -> AccountModels:
        """GET a list of models in OpenAI's form, which costs nothing. Raises ProviderError."""
        steps = self.open(path, None, cancel_token=Deadline(timeout_s))
        response = drain(steps)
        with closing(response):
            body = drain(response.read())
            date = response.headers.get("date", "")
        try:
            ids = tuple(str(card["id"]) for card in orjson.loads(body)["data"])
        except (ValueError, TypeError, KeyError):
            raise ProviderProtocolError(
                "The provider's list of models is not understood.", provider=self._http.provider
            ) from None
        return AccountModels(ids, date)

    def redact(self, text: str) -> str:
        """Mask our secrets, and what looks like one."""
        return redact(text, self._all_secrets())

    def _all_secrets(self) -> tuple[str, ...]:
        return (*self._secrets, *self._credential.secrets())

    def close(self) -> None:
        """Drop the idle connections."""
        self._http.close()


def _error_body(response: HttpResponse) -> Generator[Tick, None, bytes]:
    """Read what a refusal says; if that breaks, its status says enough."""
    with closing(response):
        try:
            return (yield from response.read())
        except ProviderError:
            return b""
