"""The format of keys, tokens and other secrets: prefix, random part, checksum. Pure.

`xr-live-` or `xr-test-` for API keys, `xr-oauth-` for access tokens, then 43 random base62
characters (256 bits), then the CRC-32 of all before them in 6 base62 characters.
"""

import hashlib
import re
import secrets
import string
import zlib

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
LIVE_PREFIX = "xr-live-"
TEST_PREFIX = "xr-test-"
TOKEN_PREFIX = "xr-oauth-"  # noqa: S105 -- it is public
RANDOM_LENGTH = 43
CHECKSUM_LENGTH = 6
HEAD_LENGTH = 12
TAIL_LENGTH = 4

# Also what secret scanners look for.
KEY_PATTERN = r"xr-(?:live|test)-[0-9A-Za-z]{49}"
TOKEN_PATTERN = r"xr-oauth-[0-9A-Za-z]{49}"  # noqa: S105 -- a shape, no token

_KEY_SHAPE = re.compile(KEY_PATTERN)
_TOKEN_SHAPE = re.compile(TOKEN_PATTERN)


def make_key(*, is_test: bool) -> str:
    """Return a new raw key."""
    return make_secret(TEST_PREFIX if is_test else LIVE_PREFIX)


def make_secret(prefix: str) -> str:
    """Return a new secret text of this kind."""
    body = prefix + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return body + checksum(body)


def well_formed(raw: str) -> bool:
    """Say whether the text has the format of an API key."""
    return _KEY_SHAPE.fullmatch(raw) is not None and _sums_up(raw)


def token_well_formed(raw: str) -> bool:
    """Say whether the text has the format of an access token."""
    return _TOKEN_SHAPE.fullmatch(raw) is not None and _sums_up(raw)


def _sums_up(raw: str) -> bool:
    return checksum(raw[:-CHECKSUM_LENGTH]) == raw[-CHECKSUM_LENGTH:]


def checksum(body: str) -> str:
    """Return the CRC-32 of an ASCII text in base62, padded with zeros on the left."""
    rest = zlib.crc32(body.encode("ascii"))
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def digest_of(raw: str) -> str:
    """Return the SHA-256 of a key's text, in hex, by which it is stored and looked up."""
    return hashlib.sha256(raw.encode()).hexdigest()
