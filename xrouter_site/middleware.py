"""Request id in, request id out: one for every request, in every answer and every log line."""

import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponseBase

request_id: ContextVar[str] = ContextVar("request_id", default="")

_ACCEPTED = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)


class RequestIDMiddleware:
    """Take the caller's `X-Request-ID` where it is a plain word of 128 characters at most, else make one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        identity = given if _ACCEPTED.fullmatch(given) else uuid.uuid4().hex
        request_id.set(identity)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = identity
        return response
