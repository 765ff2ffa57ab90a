"""The words of the OpenAPI document, which are English in the source, in the reader's language."""

import re
from collections.abc import Iterator
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext
from markdown_it import MarkdownIt

JSONObject = dict[str, Any]

_BREAK = re.compile(r"\n\s*\n")
_SPACES = re.compile(r"\s+")
_INLINE = MarkdownIt("commonmark", {"html": False})
_SHOWN = ("info", "tags", "paths", "components")
_DATA = frozenset({"default", "enum", "const", "example", "examples", "value", "securitySchemes"})
"""What holds values and no prose."""
_CODES = "- `"
"""How a description begins that is a list of error codes: `components.examples` has their words."""


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a description, each in one line, without its tables."""
    blocks = [_SPACES.sub(" ", block).strip() for block in _BREAK.split(text)]
    return [block for block in blocks if block and not block.startswith("|")]


def translated(text: str) -> list[SafeString]:
    """Return the paragraphs of a description as HTML in the language of the moment."""
    return [inline(gettext(paragraph)) for paragraph in paragraphs(text)]


def inline(text: str) -> SafeString:
    """Return the HTML of one paragraph; there is no HTML in its source."""
    return SafeString(_INLINE.renderInline(text))


def texts(document: JSONObject) -> Iterator[str]:
    """Yield every paragraph that a reference of the document may show, for the translators."""
    for part in _SHOWN:
        yield from _texts(document[part])
    for example in document["components"]["examples"].values():
        yield from paragraphs(example["summary"])


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _texts(item)
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        if name == "properties":
            for schema in value.values():
                yield from _texts(schema)
        elif name in ("description", "summary") and isinstance(value, str):
            if not value.startswith(_CODES):
                yield from paragraphs(value)
        elif name not in _DATA:
            yield from _texts(value)
