"""A request's body as JSON, with bounds: nothing that is malformed, bottomless or not finite gets in."""

import math
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest

from gateway.api.errors import BadRequest

MAX_DEPTH = 64

JSONObject = dict[str, Any]


def read_object(request: HttpRequest) -> JSONObject:
    """Return the body, a JSON object. Raises BadRequest (400, 413, 415) naming what is wrong."""
    _check_media_type(request)
    raw = _read(request)
    if not raw.strip():
        raise BadRequest("The body is empty: send a JSON object.", code="invalid_json")
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        cause = str(error)
        is_value = "surrogate in string" in cause or "number is infinity" in cause
        raise BadRequest(
            f"The body is not valid JSON: {cause}.",
            code="invalid_parameter" if is_value else "invalid_json",
        ) from None
    if not isinstance(document, dict):
        raise BadRequest("The body must be a JSON object.")
    _check_bounds(document)
    return document


def _check_media_type(request: HttpRequest) -> None:
    content_type = request.META.get("CONTENT_TYPE", "")
    kind, _, rest = content_type.partition(";")
    kind = kind.strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise BadRequest(
            f"Content-Type is {kind[:100]!r}: send application/json.",
            status=415,
            code="unsupported_media_type",
        )
    for parameter in rest.lower().split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(" \"'") not in {"utf-8", "utf8", "us-ascii"}:
            raise BadRequest(
                "The charset must be utf-8.", status=415, code="unsupported_media_type"
            )
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding not in {"", "identity"}:
        raise BadRequest(
            "Send the body without Content-Encoding.", status=415, code="unsupported_media_type"
        )


def _read(request: HttpRequest) -> bytes:
    """Return the whole body, of stated length or chunked."""
    environ = request.META
    limit = int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    length = environ.get("CONTENT_LENGTH") or ""
    if length:
        if not length.isascii() or not length.isdigit():
            raise BadRequest("Content-Length must be a whole number.")
        size = int(length)
    elif environ.get("wsgi.input_terminated"):
        size = limit + 1
    else:
        return b""
    if length and size > limit:
        raise _too_large(limit)
    try:
        body: bytes = environ["wsgi.input"].read(size)
    except OSError:
        raise BadRequest("The body did not arrive in time.") from None
    if len(body) > limit:
        raise _too_large(limit)
    if length and len(body) < size:
        raise BadRequest("The body is shorter than its Content-Length.", code="invalid_json")
    return body


def _too_large(limit: int) -> BadRequest:
    return BadRequest(
        f"The body is larger than {limit} bytes.", status=413, code="request_too_large"
    )


def _check_bounds(document: JSONObject) -> None:
    """Refuse depth past MAX_DEPTH, numbers that are not finite, and NUL, without recursion."""
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for node in level:
            values = [*node, *node.values()] if isinstance(node, dict) else node
            for value in values:
                if isinstance(value, str):
                    if "\0" in value:
                        raise BadRequest(
                            "The body has a NUL character in a text.", code="invalid_parameter"
                        )
                elif isinstance(value, float):
                    if not math.isfinite(value):
                        raise BadRequest(
                            "The body has a number that is not finite.", code="invalid_parameter"
                        )
                elif isinstance(value, dict | list):
                    below.append(value)
        if not below:
            return
        level = below
    raise BadRequest(f"The body is nested deeper than {MAX_DEPTH} levels.", code="invalid_json")
