"""The credentials that the sandbox accepts, and the tokens it gives out for them.

None of them opens anything real. Tokens are signed rather than remembered: whichever process
serves the sandbox, and after a restart too, a token that it gave out holds until it expires.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypedDict

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

TokenKind = Literal["gigachat", "iam"]

GIGACHAT_CREDENTIALS = base64.b64encode(
    b"5a11db0e-0000-4000-8000-000000000001:5a11db0e-0000-4000-8000-000000000002"
).decode()
GIGACHAT_SCOPE = "GIGACHAT_API_PERS"
YANDEX_API_KEY = "AQVNsandbox000000000000000000000000000000"
YANDEX_FOLDER_ID = "b1gsandbox0000000000"
OPENAI_COMPATIBLE_API_KEY = "sk-sandbox-000000000000000000000000"

_SIGNING_KEY = b"the sandbox guards nothing"
_PREFIXES: dict[TokenKind, str] = {"gigachat": "eyJ", "iam": "t1."}
# The real GigaChat token is about 1100 characters; short columns and headers must show up here.
_PADDING_BYTES: dict[TokenKind, int] = {"gigachat": 720, "iam": 96}


class ServiceAccountKey(TypedDict):
    """An authorized key in the shape of the file that `yc iam key create` writes."""

    id: str
    service_account_id: str
    created_at: str
    key_algorithm: str
    public_key: str
    private_key: str


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a token of the sandbox says of itself."""

    kind: TokenKind
    expires_at: float


def issue_token(kind: TokenKind, expires_at: float) -> str:
    """Return a new opaque token that holds until then (Unix seconds)."""
    padding = secrets.token_hex(_PADDING_BYTES[kind] // 2)
    payload = json.dumps({"kind": kind, "exp": expires_at, "pad": padding}).encode()
    body = base64.urlsafe_b64encode(_signature(payload) + payload).decode()
    return _PREFIXES[kind] + body


def read_token(token: str, kind: TokenKind) -> TokenFacts | None:
    """Return the facts of a token of that kind, also an expired one; None if it is no such."""
    if not token.startswith(_PREFIXES[kind]):
        return None
    try:
        signed = base64.urlsafe_b64decode(token.removeprefix(_PREFIXES[kind]))
    except ValueError:
        return None
    signature, payload = signed[:32], signed[32:]
    if not hmac.compare_digest(signature, _signature(payload)):
        return None
    facts = json.loads(payload)
    return TokenFacts(kind, facts["exp"]) if facts["kind"] == kind else None


def make_service_account_key() -> ServiceAccountKey:
    """Generate an authorized key of a service account."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key_id = f"ajekey{secrets.token_hex(7)}"
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "id": key_id,
        "service_account_id": f"ajesa{secrets.token_hex(7)}0",
        "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "key_algorithm": "RSA_2048",
        "public_key": public.decode(),
        "private_key": (
            f"PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <{key_id}>\n{pem}"
        ),
    }


def _signature(payload: bytes) -> bytes:
    return hmac.digest(_SIGNING_KEY, payload, hashlib.sha256)
