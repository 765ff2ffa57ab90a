"""Seals secrets for the database: AES-256-GCM under a master key that the database does not have."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

KEY_BYTES = 32
NONCE_BYTES = 12
DERIVED_KEY_ID = "secret-key"
"""The key that comes from SECRET_KEY: it seals where CREDENTIALS_KEYS names none, and reads ever after."""
PURPOSE = b"xrouter: credentials of providers"


class SecretUnreadable(Exception):
    """The master key is not here, or the row is not the one that was sealed."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as the database keeps it; `key_id` names the master key."""

    key_id: str
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


def seal(secret: str, *, owner: str) -> Sealed:
    """Seal under the first key; only with the same `owner` does it open again."""
    key_id, key = next(iter(_keys().items()))
    nonce = secrets.token_bytes(NONCE_BYTES)
    return Sealed(key_id, nonce, AESGCM(key).encrypt(nonce, secret.encode(), owner.encode()))


def unseal(sealed: Sealed, *, owner: str) -> str:
    """Open what was sealed. Raises SecretUnreadable."""
    key = _keys().get(sealed.key_id)
    if key is None:
        raise SecretUnreadable(f"The master key {sealed.key_id!r} is not in CREDENTIALS_KEYS.")
    try:
        return AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, owner.encode()).decode()
    except InvalidTag:
        raise SecretUnreadable(
            f"The master key {sealed.key_id!r} does not open it: the key or the row has changed."
        ) from None


def _keys() -> Mapping[str, bytes]:
    """Return the master keys by id, the one that seals first."""
    derived = HKDF(SHA256(), KEY_BYTES, salt=None, info=PURPOSE).derive(
        settings.SECRET_KEY.encode()
    )
    return {**settings.CREDENTIALS_KEYS, DERIVED_KEY_ID: derived}
