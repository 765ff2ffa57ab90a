"""The JSON document inside what a model wrote: bare, in a code fence, or with words around it."""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import orjson

MOST_ATTEMPTS = 200
"""Brackets in prose at which a document is looked for."""

_FENCED = re.compile(r"```[\w-]*[ \t]*\r?\n(.*?)\r?\n?[ \t]*```", re.DOTALL)
_OPENING = re.compile(r"[\[{]")


def documents(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the JSON texts in `text`, each with its value: the likeliest first, none repaired.

    A document of neither braces nor brackets counts only where nothing is around it.
    """
    whole = text.strip().removeprefix("\ufeff").strip()
    seen = {whole}
    if (value := _read(whole)) is not _NONE:
        yield whole, value
    for fenced in _FENCED.finditer(whole):
        inside = fenced.group(1).strip()
        if inside not in seen and (value := _read(inside)) is not _NONE:
            seen.add(inside)
            yield inside, value
    for found in _bracketed(whole):
        if found not in seen and (value := _read(found)) is not _NONE:
            seen.add(found)
            yield found, value


def _bracketed(text: str) -> Iterator[str]:
    decoder = json.JSONDecoder(parse_constant=_refuse)
    at = 0
    for _ in range(MOST_ATTEMPTS):
        opening = _OPENING.search(text, at)
        if opening is None:
            return
        try:
            _, end = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            at = opening.end()
            continue
        yield text[opening.start() : end]
        at = end


_NONE = object()


def _read(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _NONE


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
