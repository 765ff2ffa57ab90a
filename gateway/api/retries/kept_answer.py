"""An answer as it is kept for a retry: status, headers and body, sealed with the caller's own key."""

import secrets

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.http import HttpResponse

from gateway.api.retries.identity import Identity

NONCE_BYTES = 12


def seal(response: HttpResponse, identity: Identity) -> bytes:
    """Return the answer under AES-256-GCM; only the same caller with the same request opens it."""
    head = orjson.dumps([response.status_code, dict(response.headers)])
    nonce = secrets.token_bytes(NONCE_BYTES)
    text = b"\n".join((head, response.content))
    return nonce + AESGCM(identity.sealing_key).encrypt(nonce, text, identity.name.encode())


def unseal(sealed: bytes, identity: Identity) -> HttpResponse:
    """Return the answer once more. Raises InvalidTag when it was not sealed for this identity."""
    nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    text = AESGCM(identity.sealing_key).decrypt(nonce, ciphertext, identity.name.encode())
    head, _, body = text.partition(b"\n")
    status, headers = orjson.loads(head)
    return HttpResponse(body, status=status, headers=headers)
