"""Fields of a body that mean nothing here: named in a header, or refused where the caller is strict."""

from collections.abc import Collection

from django.http import HttpResponse
from rest_framework.request import Request

from gateway.api.body import JSONObject
from gateway.api.chat_request import MAX_NAME_CHARACTERS, MAX_UNKNOWN
from gateway.pipeline.errors import InvalidParameter

HEADER = "X-XRouter-Adapted"
STRICT = "X-XRouter-Strict"


def ignored_of(request: Request, body: JSONObject, known: Collection[str]) -> list[str]:
    """Return the names of what is ignored. Raises InvalidParameter for too much, or any if strict."""
    unknown = [name for name, value in body.items() if name not in known and value is not None]
    if len(unknown) > MAX_UNKNOWN or any(len(name) > MAX_NAME_CHARACTERS for name in unknown):
        raise InvalidParameter(
            f"The body has too many fields that mean nothing here: {MAX_UNKNOWN} of"
            f" {MAX_NAME_CHARACTERS} characters are the most."
        )
    if unknown and request.headers.get(STRICT, "").strip().lower() == "true":
        raise InvalidParameter(f"{unknown[0]} means nothing here.", param=unknown[0])
    return unknown


def ignored_header(response: HttpResponse, ignored: list[str]) -> HttpResponse:
    """Name in a header what was ignored."""
    if ignored:
        named = ", ".join(f"{name[:80]}=ignored" for name in ignored)
        response.headers[HEADER] = "".join(
            character if character.isascii() and character.isprintable() else "?"
            for character in named
        )
    return response
