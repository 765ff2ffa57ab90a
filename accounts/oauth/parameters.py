"""Reads the parameters of OAuth requests: each once, bounded, in UTF-8, without control characters."""

import re
from urllib.parse import parse_qsl

from django.http import HttpRequest

MAX_BYTES = 16_384
MAX_FIELDS = 50
FORM = "application/x-www-form-urlencoded"
UNREAD_FORM = "xrouter.unread_form"
"""Where a request has the BadParameters of a body that could not be received."""

# RFC 8707 lets it be repeated; it means nothing here.
_MEANINGLESS = frozenset({"resource"})

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class BadParameters(ValueError):
    """The request cannot be read; `status` is the HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def read_query(request: HttpRequest) -> dict[str, str]:
    """Return the parameters of the query. Raises BadParameters."""
    return _parsed(request.META.get("QUERY_STRING", "").encode("latin-1", "replace"))


def read_form(request: HttpRequest) -> dict[str, str]:
    """Return the fields of a form-encoded body; a query beside it is refused. Raises BadParameters."""
    kind = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind not in {"", FORM}:
        raise BadParameters(f"Send the body as {FORM}.", status=415)
    if request.META.get("QUERY_STRING"):
        raise BadParameters("Send the parameters in the body, not in the address.")
    unread: BadParameters | None = request.META.get(UNREAD_FORM)
    if unread is not None:
        raise unread
    return _parsed(_body(request))


def _body(request: HttpRequest) -> bytes:
    """Read the body, of stated length or chunked."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if length:
        size = int(length) if length.isascii() and length.isdigit() else MAX_BYTES + 1
    else:
        size = MAX_BYTES + 1 if request.META.get("wsgi.input_terminated") else 0
    if length and size > MAX_BYTES:
        raise _too_large()
    try:
        body: bytes = request.META["wsgi.input"].read(size)
    except OSError:
        raise BadParameters("The body did not arrive in time.") from None
    if len(body) > MAX_BYTES:
        raise _too_large()
    return body


def _parsed(raw: bytes) -> dict[str, str]:
    if len(raw) > MAX_BYTES:
        raise _too_large()
    try:
        pairs = parse_qsl(
            raw.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise BadParameters("The parameters must be form-encoded UTF-8.") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in _MEANINGLESS:
            continue
        if name in fields:
            raise BadParameters("A parameter is there twice.")
        if _CONTROL.search(name + value):
            raise BadParameters("A parameter has control characters.")
        fields[name] = value
    # RFC 6749, section 3.1: what is sent without a value is as if it were left out.
    return {name: value for name, value in fields.items() if value}


def _too_large() -> BadParameters:
    return BadParameters(f"The parameters are longer than {MAX_BYTES} bytes.")
