"""Pictures as data URLs, read as RFC 2397 writes them. Source: https://www.rfc-editor.org/rfc/rfc2397"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from gateway.api.schema.fields import FieldType, JSONObject, invalid, unsupported
from gateway.api.schema.picture_type import IMAGE_TYPES, shown_type
from gateway.providers.chat_types import Image

_OTHER_NAMES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/tif": "image/tiff",
    "image/x-tiff": "image/tiff",
    "image/x-bmp": "image/bmp",
    "image/x-ms-bmp": "image/bmp",
}
"""What some clients call them, guessing from the ending of a file."""

_UNKNOWN_TYPES = frozenset({"", "application/octet-stream", "image/*"})
"""What clients write that do not know the type; the bytes tell it."""

_SCHEME = "data:"
_TYPES_TAKEN = f"may hold pictures of {', '.join(sorted(IMAGE_TYPES))}."
_WHITE_SPACE = re.compile(rb"[\t\n\f\r ]+")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class DataURLType(FieldType):
    """A picture as a data URL, decoded."""

    def read(self, value: Any) -> Image:
        if not isinstance(value, str):
            raise invalid("must be a text.")
        url = value.lstrip()
        head, comma, payload = url[len(_SCHEME) :].partition(",")
        if url[: len(_SCHEME)].lower() != _SCHEME or not comma:
            raise unsupported("must be a data URL, such as data:image/png;base64,….")
        media_type, *parameters = (piece.strip().lower() for piece in head.split(";"))
        mime_type = _OTHER_NAMES.get(media_type, media_type)
        if mime_type not in IMAGE_TYPES | _UNKNOWN_TYPES:
            raise unsupported(_TYPES_TAKEN)
        # The standard puts base64 last; some clients put a charset behind it.
        data = _decoded(payload) if "base64" in parameters else unquote_to_bytes(payload)
        if not data:
            raise invalid("is empty.")
        shown = shown_type(data) if mime_type in _UNKNOWN_TYPES else mime_type
        if shown is None:
            raise unsupported(_TYPES_TAKEN)
        return Image(data, shown)

    def json_schema(self) -> JSONObject:
        return {
            "type": "string",
            "description": "A data URL.",
            "pattern": r"^\s*[dD][aA][tT][aA]:[iI][mM][aA][gG][eE]/[^,]+,",
        }


def _decoded(payload: str) -> bytes:
    """Decode base64: as it stands, else unescaped, unwrapped, in either alphabet, padded or not."""
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        pass
    plain = _WHITE_SPACE.sub(b"", unquote_to_bytes(payload)).translate(_URL_SAFE).rstrip(b"=")
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise invalid("is not valid base64.") from None
