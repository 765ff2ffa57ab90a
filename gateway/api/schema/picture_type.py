"""The types of pictures that models take, and how their bytes begin."""

_SIGNATURES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"BM": "image/bmp",
}
IMAGE_TYPES = frozenset(_SIGNATURES.values())


def shown_type(data: bytes) -> str | None:
    """Return the type that the bytes themselves show, None where it is none of these."""
    for signature, mime_type in _SIGNATURES.items():
        if data.startswith(signature):
            return mime_type
    return None
