"""The types of pictures that models take, and how their bytes begin."""

_SIGNATURES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"BM": "image/bmp",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_WEBP = "image/webp"
IMAGE_TYPES = frozenset({*_SIGNATURES.values(), _WEBP})


def shown_type(data: bytes) -> str | None:
    """Return the type that the bytes themselves show, None where it is none of these."""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":  # between them stands the length
        return _WEBP
    for signature, mime_type in _SIGNATURES.items():
        if data.startswith(signature):
            return mime_type
    return None
