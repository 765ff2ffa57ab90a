"""PKCE with S256 only. Source: RFC 7636."""

import base64
import hashlib
import re
import secrets

METHOD = "S256"

_CHALLENGE = re.compile(r"[0-9A-Za-z_-]{43}")
_VERIFIER = re.compile(r"[0-9A-Za-z._~-]{43,128}")


def is_challenge(text: str) -> bool:
    """Say whether the text can be the SHA-256 of a verifier in base64url."""
    return _CHALLENGE.fullmatch(text) is not None


def proves(verifier: str, challenge: str) -> bool:
    """Say whether the verifier matches the challenge."""
    if _VERIFIER.fullmatch(verifier) is None:
        return False
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    expected = base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
    return secrets.compare_digest(expected, challenge)
