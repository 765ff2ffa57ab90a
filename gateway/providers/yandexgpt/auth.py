"""IAM tokens of Yandex Cloud, which the key of a service account is exchanged for.

Source: yandex-cloud/docs, iam/operations/iam-token/create-for-sa.md, iam/concepts/authorization and
_includes/iam-token-lifetime.md.
"""

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.providers._shared.credentials import SHORTEST_LIFE_S, AccessToken, RenewedToken
from gateway.providers._shared.error_responses import RAW_CHARS_MAX
from gateway.providers._shared.redaction import redact
from gateway.providers._shared.token_request import no_token, post_for_token
from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.yandexgpt.failures import PROVIDER, read_body

# The audience is this text, also where the exchange is reached by another address.
_AUDIENCE = "https://iam.api.cloud.yandex.net/iam/v1/tokens"
_JWT_LIFE_S = 3600
_RENEW_AFTER_S = 3600.0
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")


def iam_token(
    service_account_key: Mapping[str, Any],
    *,
    iam_url: str,
    connect_timeout_s: float = 3.0,
    read_timeout_s: float = 60.0,
    now_s: Callable[[], float] = time.time,
) -> RenewedToken:
    """Read the content of a key file; nothing is sent yet.

    Raises ValueError if it is not what `yc iam key create` writes.
    """
    key = _ServiceAccountKey(service_account_key)

    def issue() -> AccessToken:
        status, body = post_for_token(
            iam_url,
            provider=PROVIDER,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            json={"jwt": key.assertion(int(now_s()))},
        )
        if status != 200:
            raise _refusal(status, redact(read_body(body).text)[:RAW_CHARS_MAX])
        return _read(body, now_s())

    return RenewedToken(issue, now_s=now_s)


class _ServiceAccountKey:
    def __init__(self, content: Mapping[str, Any]) -> None:
        try:
            self._key_id = str(content["id"])
            self._account_id = str(content["service_account_id"])
            # The PEM stands behind a line of prose, which the parser skips.
            pem = str(content["private_key"]).encode()
            private_key = load_pem_private_key(pem, password=None)
        except (KeyError, ValueError, TypeError) as error:
            raise ValueError(
                "The service account key is not what `yc iam key create` writes."
            ) from error
        if not isinstance(private_key, RSAPrivateKey):
            raise ValueError("The service account key must be an RSA key.")
        self._private_key = private_key

    def assertion(self, now_s: int) -> str:
        claims = {
            "iss": self._account_id,
            "aud": _AUDIENCE,
            "iat": now_s,
            "exp": now_s + _JWT_LIFE_S,
        }
        headers = {"kid": self._key_id}
        return jwt.encode(claims, self._private_key, algorithm="PS256", headers=headers)


def _read(body: bytes, now_s: float) -> AccessToken:
    """Read `{"iamToken", "expiresAt"}`; a token is to be renewed hourly, though it lives 12 hours."""
    try:
        answer = orjson.loads(body)
        value, expires_at_s = answer["iamToken"], _timestamp_s(answer["expiresAt"])
    except (ValueError, KeyError, TypeError, OverflowError):
        raise no_token(PROVIDER) from None
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise no_token(PROVIDER)
    life_s = max(expires_at_s - now_s, SHORTEST_LIFE_S)
    return AccessToken(
        value,
        renew_at_s=now_s + min(_RENEW_AFTER_S, life_s / 2),
        expires_at_s=now_s + life_s,
    )


def _timestamp_s(text: str) -> float:
    """Parse an RFC 3339 time; its nanoseconds are more digits than `fromisoformat` takes."""
    moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _refusal(status: int, raw: str) -> ProviderError:
    kind: type[ProviderError] = ProviderUnavailable
    message = f"Yandex IAM answered {status}."
    if status == 408:
        kind, message = ProviderTimeout, "Yandex IAM took too long."
    elif status == 429:
        kind, message = ProviderRateLimited, "Yandex IAM takes no more requests at once."
    elif 400 <= status < 500:
        kind, message = ProviderAuthError, "Yandex IAM does not accept the service account's key."
    return kind(message, provider=PROVIDER, status=status, raw=raw)
