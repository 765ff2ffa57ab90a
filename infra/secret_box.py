"""Encrypts secrets for the database: AES-256-GCM under a master key that is not stored there."""

import secrets
from collections.abc import Iterator
from contextlib import suppress
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
    """The master key is missing, or the row is not the one that was sealed."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted secret as stored in the database; `key_id` names the master key."""

    key_id: str
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


def seal(secret: str, *, owner: str) -> Sealed:
    """Encrypt under the first key; decrypting takes the same `owner`."""
    key_id, key = next(iter(_keys()))
    nonce = secrets.token_bytes(NONCE_BYTES)
    return Sealed(key_id, nonce, AESGCM(key).encrypt(nonce, secret.encode(), owner.encode()))


def unseal(sealed: Sealed, *, owner: str) -> str:
    """Decrypt a secret. Raises SecretUnreadable."""
    keys = [key for key_id, key in _keys() if key_id == sealed.key_id]
    if not keys:
        raise SecretUnreadable(f"The master key {sealed.key_id!r} is not in CREDENTIALS_KEYS.")
    for key in keys:
        with suppress(InvalidTag):
            return AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, owner.encode()).decode()
    raise SecretUnreadable(
        f"The master key {sealed.key_id!r} does not open it: the key or the row has changed."
    )


def _keys() -> Iterator[tuple[str, bytes]]:
    """Yield the master keys with their ids; the first one encrypts.

    Each SECRET_KEY, the earlier ones too, gives a key of the same id.
    """
    yield from settings.CREDENTIALS_KEYS.items()
    for secret_key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        derived = HKDF(SHA256(), KEY_BYTES, salt=None, info=PURPOSE).derive(secret_key.encode())
        yield DERIVED_KEY_ID, derived
