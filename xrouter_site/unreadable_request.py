"""What is answered to bytes that gunicorn cannot take for a request, in place of its page of HTML."""

import os
from http import HTTPStatus

from gateway.api.errors import INTERNAL_ERROR, Failure
from gateway.api.view import failure_response

_MESSAGES: dict[int, str] = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address is too long.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers are too large or too many.",
    HTTPStatus.INTERNAL_SERVER_ERROR: INTERNAL_ERROR.message,
}


def answer_to(status: int, message: str) -> bytes:
    """Return a whole HTTP/1.1 answer that ends the connection; `message` is gunicorn's."""
    code = "internal_error" if status == HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request"
    said = _MESSAGES.get(status, f"This is no request of HTTP/1.1: {message}")
    response = failure_response(Failure(status, code, said))
    headers = {
        "Server": "gunicorn",
        "Connection": "close",
        "X-Request-ID": os.urandom(16).hex(),
        **response.headers,
    }
    first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    lines = [first, *(f"{name}: {it}" for name, it in headers.items())]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + response.content
