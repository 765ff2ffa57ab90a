"""Request id in, request id out, and one log line: of every request."""

import os
import re
from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from gateway.api.event_response import EventStreamResponse
from infra import request_facts
from infra.metrics import OTHER
from infra.request_facts import RequestFacts
from infra.request_id import request_id
from xrouter_site.request_log import request_log

ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)


class RequestIDMiddleware:
    """Take the caller's `X-Request-ID` where it is a plain word of 128 characters at most, else make one.

    What becomes known of the request is logged when its answer is made, or closed where it is streamed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        identity = given if ACCEPTED_REQUEST_ID.fullmatch(given) else os.urandom(16).hex()
        request_id.set(identity)
        facts = RequestFacts(identity, request.method or "", request.path)
        facts.traceparent = request.META.get("HTTP_TRACEPARENT", "")
        request_facts.begin(facts)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = identity
        facts.status = response.status_code
        if not facts.route:
            match = request.resolver_match
            facts.route = "/" + match.route.strip("^$?/") if match else OTHER
        note = partial(request_log.note, facts)
        if isinstance(response, HttpResponse):
            facts.response_bytes = len(response.content)
            note()  # nothing of it is still to be made
        elif isinstance(response, EventStreamResponse):
            response.events.finally_call(note)
        else:
            response._resource_closers.append(note)  # type: ignore[attr-defined]
        return response
