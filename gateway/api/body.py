"""Read a request's body as a JSON object, within bounds of time, size, depth and numbers."""

import codecs
import time
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest

from gateway.api.errors import BadRequest
from gateway.api.json_bounds import JSONBounds
from gateway.api.request_body import pieces
from gateway.pipeline.admission.caller_context import give_connection_back
from infra import exact_json

MOST_BYTES_OF_STRANGERS = 64 * 1024
"""How much is read of who has shown no credential."""

_DIALOGUE = frozenset({"messages", "input", "prompt", "system", "instructions"})
"""The fields that bear what was said, in the words of all protocols."""

_SCHEMAS = frozenset({"tools", "functions", "response_format", "text", "output_config"})
"""The fields that bear JSON Schemas."""

JSONObject = dict[str, Any]


def read_object(request: HttpRequest, *, most_bytes: int | None = None) -> JSONObject:
    """Return the body, of REQUEST_MAX_BYTES at most where nothing is said.

    Whole numbers within a dialogue or a schema keep all their digits: models are told of accounts that have 20.
    NULs within a dialogue are dropped: a tool's result may be a piece of a binary file, and stays there for
    good. Elsewhere they are refused, for PostgreSQL has no place for them.
    The database connection is given back before the body is waited for.
    Raises BadRequest (400, 408, 413, 415) that says what is wrong.
    """
    _check_media_type(request)
    give_connection_back()
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE if most_bytes is None else most_bytes
    raw = _text(request, limit).removeprefix(codecs.BOM_UTF8)
    if not raw.strip():
        raise BadRequest("The body is empty: send a JSON object.", code="invalid_json")
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _refusal(error) from None
    if not isinstance(document, dict):
        raise BadRequest("The body must be a JSON object.")
    if exact_json.may_have_long_numbers(raw):
        exact = exact_json.loads(raw)
        document |= {name: exact[name] for name in (_DIALOGUE | _SCHEMAS) & document.keys()}
    if rb"\u0000" in raw:
        dialogue = {name: document[name] for name in _DIALOGUE & document.keys()}
        _drop_nul(dialogue)
        document |= dialogue
        _refuse_nul(document)
    return document


def _refusal(error: orjson.JSONDecodeError) -> BadRequest:
    cause, line, column = str(error), error.lineno, error.colno
    if "number is infinity" in cause:
        return BadRequest(
            f"The number at line {line}, column {column} is too large.", code="invalid_parameter"
        )
    if "surrogate in string" in cause:
        return BadRequest(
            f"The text at line {line}, column {column} has half of a surrogate pair.",
            code="invalid_parameter",
        )
    if "not valid UTF-8" in cause:
        return BadRequest("The body is not UTF-8.", code="invalid_json")
    return BadRequest(f"The body is not valid JSON: {cause}.", code="invalid_json")


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


def _text(request: HttpRequest, most_bytes: int) -> bytes:
    """Return the whole body, as far as it is within the bounds of JSON."""
    bounds = JSONBounds()
    text: list[bytes] = []
    for piece in pieces(request.META, most_bytes=most_bytes):
        if text:
            time.sleep(0)  # other requests go on between the pieces of a large one
        bounds.feed(piece)
        text.append(piece)
    return b"".join(text)


def _refuse_nul(document: JSONObject) -> None:
    """Refuse NUL in any text. Not recursive, as JSON's depth is the caller's."""
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and "\0" in value:
            raise BadRequest("The body has a NUL character in a text.", code="invalid_parameter")


def _drop_nul(document: JSONObject) -> None:
    """Drop NUL from every text, in place. Not recursive either."""
    waiting: list[Any] = [document]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, dict) and any("\0" in name for name in holder):
            members = [(name.replace("\0", ""), member) for name, member in holder.items()]
            holder.clear()
            holder.update(members)
        for place, member in list(
            holder.items() if isinstance(holder, dict) else enumerate(holder)
        ):
            if isinstance(member, str):
                if "\0" in member:
                    holder[place] = member.replace("\0", "")
            elif isinstance(member, dict | list):
                waiting.append(member)
