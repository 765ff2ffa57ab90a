"""The authorised way to GigaChat's API: token, one renewal, refusals as errors."""

import logging
import time
from collections.abc import Callable, Generator, Mapping

from gateway.providers.base import Lifeline
from gateway.providers.chat_types import ChatChunk
from gateway.providers.errors import ProviderError
from gateway.providers.gigachat.auth import AccessTokens
from gateway.providers.gigachat.failures import refusal, scrubbed
from gateway.providers.http_client import HttpClient, HttpResponse

JSON = "application/json"
EVENT_STREAM = "text/event-stream"

log = logging.getLogger(__name__)


class Channel:
    """Sends requests with the present token; thread safe."""

    def __init__(
        self,
        http: HttpClient,
        tokens: AccessTokens,
        *,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._now_s = now_s

    def open(
        self,
        path: str,
        body: bytes,
        *,
        lifeline: Lifeline,
        content_type: str = JSON,
        accept: str = JSON,
        session_id: str | None = None,
    ) -> Generator[ChatChunk, None, HttpResponse]:
        """POST and return an answer of success, which the caller closes; tick in silences.

        A refused token is renewed once, whatever the request is: nothing of it was done.
        """
        headers = {"Content-Type": content_type, "Accept": accept}
        if session_id is not None:
            headers["X-Session-ID"] = session_id
        token = self._tokens.current()
        response = yield from self._post(path, body, headers, token, lifeline)
        if response.status == 401:
            response.close()
            token = self._tokens.renew(token)
            response = yield from self._post(path, body, headers, token, lifeline)
        if 200 <= response.status < 300:
            return response
        try:
            error = yield from self._refusal(response, token)
        finally:
            response.close()
        raise error

    def ask(
        self, path: str, body: bytes, *, lifeline: Lifeline, content_type: str = JSON
    ) -> Generator[ChatChunk, None, bytes]:
        """POST and return the whole body of an answer of success."""
        response = yield from self.open(path, body, lifeline=lifeline, content_type=content_type)
        try:
            return (yield from response.read())
        finally:
            response.close()

    def scrub(self, text: str) -> str:
        """Take our secrets out of a text."""
        return scrubbed(text, self._tokens.secrets)

    def _post(
        self, path: str, body: bytes, headers: Mapping[str, str], token: str, lifeline: Lifeline
    ) -> Generator[ChatChunk, None, HttpResponse]:
        response = yield from self._http.send(
            "POST",
            path,
            headers={**headers, "Authorization": f"Bearer {token}"},
            body=body,
            lifeline=lifeline,
        )
        if log.isEnabledFor(logging.DEBUG):
            log.debug(
                "%s: %d, X-Request-ID %s",
                path,
                response.status,
                response.headers.get("x-request-id"),
            )
        return response

    def _refusal(
        self, response: HttpResponse, token: str
    ) -> Generator[ChatChunk, None, ProviderError]:
        try:
            body = yield from response.read()
        except ProviderError:
            # The status says enough; what broke is only the explanation.
            body = b""
        return refusal(
            response.status,
            body,
            secrets=(*self._tokens.secrets, token),
            retry_after=response.headers.get("retry-after"),
            now_s=self._now_s(),
        )
