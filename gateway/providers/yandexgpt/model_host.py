"""The host of Yandex's models: authorised requests to it, and its refusals as errors."""

import logging
import time
import uuid
from collections.abc import Generator, Mapping
from contextlib import closing

from gateway.providers.base import Lifeline
from gateway.providers.chat_types import ChatChunk, JSONObject
from gateway.providers.errors import ProviderError, ProviderRateLimited
from gateway.providers.http_client import HttpClient, HttpResponse, run_out
from gateway.providers.yandexgpt.answers import result_of
from gateway.providers.yandexgpt.auth import Credential
from gateway.providers.yandexgpt.failures import failure, scrub
from gateway.providers.yandexgpt.payload import encode

log = logging.getLogger(__name__)

_API = "/foundationModels/v1"
NO_LOGGING = {"x-data-logging-enabled": "false"}
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0


class ModelHost:
    """One origin under one credential and folder. Thread safe."""

    def __init__(self, client: HttpClient, credential: Credential, *, folder_id: str) -> None:
        self._client = client
        self._credential = credential
        self._folder_id = folder_id

    def scrub(self, text: str) -> str:
        """Take our credential and folder, and what looks like any, out of `text`."""
        return scrub(text, secrets=(self._folder_id, *self._credential.secrets()))

    def ask(
        self, method: str, payload: JSONObject, *, lifeline: Lifeline, headers: Mapping[str, str]
    ) -> Generator[ChatChunk, None, HttpResponse]:
        """Post `payload` to `method`, say `completion`, and return the answer if its status is 200.

        Every silence yields a tick. A 401 renews the credential, where that can be done, and asks
        once more.

        Raises:
            ProviderError: every other status, and every failure of the wire.
            UnsupportedInput: the payload cannot be written as JSON.
        """
        body = encode(payload)
        renewed = False
        while True:
            authorization = self._credential.authorization()
            sent = {
                "authorization": authorization,
                "content-type": "application/json",
                "x-client-request-id": str(uuid.uuid4()),
                **headers,
            }
            response = yield from self._client.send(
                "POST", f"{_API}/{method}", headers=sent, body=body, lifeline=lifeline
            )
            log.debug(
                "yandexgpt %s: status=%s x-request-id=%s x-server-trace-id=%s",
                method,
                response.status,
                response.headers.get("x-request-id"),
                response.headers.get("x-server-trace-id"),
            )
            if response.status == 200:
                return response
            complaint = yield from _body_of_refusal(response)
            if response.status != 401 or renewed or not self._credential.renew(authorization):
                raise failure(
                    response.status, complaint, scrub=self.scrub, headers=response.headers
                )
            renewed = True

    def call(self, method: str, payload: JSONObject, *, lifeline: Lifeline) -> JSONObject:
        """Post `payload` to `method` and return the whole answer.

        Yandex allows few such calls a second: a 429 is waited out as long as `lifeline` allows.

        Raises:
            ProviderError: the call failed, or the deadline came first.
        """
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                answer = run_out(self._whole(method, payload, lifeline))
                return result_of(answer, scrub=self.scrub)
            except ProviderRateLimited as error:
                wait_s = max(pause_s, error.retry_after_s or 0.0)
                if time.monotonic() + wait_s >= lifeline.deadline_s:
                    raise
            time.sleep(wait_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _whole(
        self, method: str, payload: JSONObject, lifeline: Lifeline
    ) -> Generator[ChatChunk, None, bytes]:
        response = yield from self.ask(method, payload, lifeline=lifeline, headers=NO_LOGGING)
        with closing(response):
            return (yield from response.read())


def _body_of_refusal(response: HttpResponse) -> Generator[ChatChunk, None, bytes]:
    """Read what a refusal says; its status alone says enough if that breaks."""
    with closing(response):
        try:
            return (yield from response.read())
        except ProviderError:
            return b""
