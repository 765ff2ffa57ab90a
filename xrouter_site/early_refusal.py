"""What a full worker answers to a completion, before gunicorn has made an environment of the request.

A refusal by the view costs a sixth of a completion: under three times too many requests that would take
a third of the worker's time from those that it can serve.
"""

import os
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from django.urls import ResolverMatch
from gunicorn import util

from gateway.api.capacity import capacity
from gateway.api.errors import Overloaded, failure_of, language_of
from gateway.api.view import failure_response
from infra.request_facts import RequestFacts
from infra.request_id import request_id
from xrouter_site.middleware import ACCEPTED_REQUEST_ID
from xrouter_site.request_log import request_log

_ID_PLACE = "0" * 32
_LEFT_TO_THE_VIEW = frozenset({"ORIGIN", "EXPECT", "TRANSFER-ENCODING"})
"""Headers that ask for more than the refusal."""


class EarlyRefusals:
    """Answers rendered once for each path and language; `completions` are the views of the paths."""

    def __init__(self, completions: Mapping[str, ResolverMatch]) -> None:
        self._completions = completions
        self._rendered: dict[tuple[str, str], tuple[bytes, bytes]] = {}

    def answer_to(self, method: str, path: str, headers: Iterable[tuple[str, str]]) -> bytes | None:
        """Return a whole HTTP/1.1 answer that keeps the connection; None where the view is to answer.

        The names of `headers` are in capitals, as gunicorn has them.
        """
        if not capacity.is_full or method != "POST" or path not in self._completions:
            return None
        identity, languages = "", ""
        for name, value in headers:
            if name in _LEFT_TO_THE_VIEW or (name == "CONNECTION" and value != "keep-alive"):
                return None
            if name == "X-REQUEST-ID":
                identity = value
            elif name == "ACCEPT-LANGUAGE":
                languages = value
        if not identity:
            identity = os.urandom(len(_ID_PLACE) // 2).hex()
        elif len(identity) != len(_ID_PLACE) or not ACCEPTED_REQUEST_ID.fullmatch(identity):
            return None
        facts = RequestFacts(identity, method, path)
        facts.route = self._completions[path].func.initkwargs["route"]  # type: ignore[attr-defined]
        facts.status, facts.code = HTTPStatus.SERVICE_UNAVAILABLE, "overloaded"
        language = language_of({"Accept-Language": languages})
        if (path, language) not in self._rendered:
            self._rendered[path, language] = self._render(path, language)
        head, body = self._rendered[path, language]
        facts.response_bytes = len(body)
        request_log.note(facts)
        answer = b"%bDate: %b\r\n\r\n%b" % (head, util.http_date().encode(), body)
        return answer.replace(_ID_PLACE.encode(), identity.encode())

    def _render(self, path: str, language: str) -> tuple[bytes, bytes]:
        """Return head and body of the refusal, zeros in the place of the request's id."""
        dialect = self._completions[path].func.initkwargs["dialect"]  # type: ignore[attr-defined]
        token = request_id.set(_ID_PLACE)
        try:
            response = failure_response(failure_of(Overloaded(), language=language), dialect)
        finally:
            request_id.reset(token)
        lines = [
            f"HTTP/1.1 {response.status_code} {response.reason_phrase}",
            "Server: gunicorn",
            "Connection: keep-alive",
            *(f"{name}: {value}" for name, value in response.items()),
            f"X-Request-ID: {_ID_PLACE}",
        ]
        return "".join(f"{line}\r\n" for line in lines).encode(), response.content
