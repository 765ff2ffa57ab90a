"""The header `Idempotency-Key`: what it says, and that it says nothing on a streamed request."""

from django.http import HttpRequest

from gateway.api.errors import BadRequest
from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.request import CompletionRequest

HEADER = "Idempotency-Key"
MAX_CHARACTERS = 255

_META = "HTTP_IDEMPOTENCY_KEY"


def idempotency_key(request: HttpRequest) -> str | None:
    """Return the key; None where none is given. Raises BadRequest."""
    key: str | None = request.META.get(_META)
    if key is None:
        return None
    if not (0 < len(key) <= MAX_CHARACTERS and key.isascii() and key.isprintable()):
        raise BadRequest(
            f"{HEADER} must be 1 to {MAX_CHARACTERS} printable ASCII characters, say a UUID.",
            code="invalid_parameter",
            param=HEADER,
        )
    return key


def ignore_on_stream(request: HttpRequest, order: CompletionRequest) -> CompletionRequest:
    """Return a streamed order that names the header as ignored. Raises BadRequest, InvalidParameter."""
    if idempotency_key(request) is None:
        return order
    if order.is_strict:
        raise InvalidParameter(
            f"{HEADER} means nothing on a streamed request, which nothing can answer again."
            " Leave out the header, `stream`, or X-XRouter-Strict.",
            param=HEADER,
        )
    return order._replace(ignored=(HEADER, *order.ignored))
