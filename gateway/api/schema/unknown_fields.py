"""Fields of a body that mean nothing here: named in a header, or refused where the caller is strict."""

from collections.abc import Iterable

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from gateway.api.schema.parsing import Body, unknown_paths
from gateway.pipeline.errors import InvalidParameter

ADAPTED_HEADER = "X-XRouter-Adapted"
ADAPTED_HEADER_MAX_BYTES = 2048
STRICT_HEADER = "X-XRouter-Strict"


def is_strict(request: Request) -> bool:
    """Say whether the caller wants a refusal in place of any change."""
    return request.headers.get(STRICT_HEADER, "").strip().lower() == "true"


def ignored_of(request: Request, body: Body) -> list[str]:
    """Return the paths of what is ignored. Raises InvalidParameter for any if strict."""
    unknown = unknown_paths(body)
    if unknown and is_strict(request):
        raise InvalidParameter(f"{unknown[0]} means nothing here.", param=unknown[0])
    return unknown


def ignored_header(response: HttpResponse, ignored: Iterable[str]) -> HttpResponse:
    """Name in a header what was ignored."""
    name_changes(response, [f"{path}=ignored" for path in ignored])
    return response


def name_changes(response: HttpResponseBase, changes: Iterable[str]) -> None:
    """Name in a header what is not as the caller asked, as far as it has room: `n=ignored, a=clamped`."""
    value = ""
    for change in changes:
        longer = f"{value}, {_printable(change)}" if value else _printable(change)
        if len(longer) > ADAPTED_HEADER_MAX_BYTES:
            break
        value = longer
    if value:
        response.headers[ADAPTED_HEADER] = value


def _printable(change: str) -> str:
    """Make a caller's own field name fit for a header."""
    return "".join(
        character if character.isascii() and character.isprintable() else "?"
        for character in change
    )
