"""The exchange of a service account's key for IAM tokens.

Source: yandex-cloud/docs, iam/operations/iam-token/create-for-sa.md.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
import orjson
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.providers.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderProtocolError,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway.providers.yandexgpt.failures import PROVIDER, RAW_CHARS, complaint, scrub

# The audience is this text, also where the exchange is reached by another address.
_AUDIENCE = "https://iam.api.cloud.yandex.net/iam/v1/tokens"
_JWT_LIFE_S = 3600
_CONNECT_TIMEOUT_S = 2.0
_READ_TIMEOUT_S = 3.0
TOTAL_TIMEOUT_S = 5.0
_ANSWER_BYTES = 64 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")


@dataclass(frozen=True, slots=True)
class IamToken:
    """A token as it was issued; `expires_at_s` is a Unix stamp by Yandex's clock."""

    value: str
    expires_at_s: float


class IamExchange:
    """Gets tokens of one service account. One caller at a time."""

    def __init__(
        self, service_account_key: Mapping[str, Any], *, url: str, clock: Callable[[], float]
    ) -> None:
        """Read the content of a key file.

        Raises:
            ValueError: it is not what `yc iam key create` writes.
        """
        try:
            self._key_id = str(service_account_key["id"])
            self._account_id = str(service_account_key["service_account_id"])
            # The PEM stands behind a line of prose, which the parser skips.
            pem = str(service_account_key["private_key"]).encode()
            private_key = load_pem_private_key(pem, password=None)
        except (KeyError, ValueError, TypeError) as error:
            raise ValueError(
                "The service account key is not what `yc iam key create` writes."
            ) from error
        if not isinstance(private_key, RSAPrivateKey):
            raise ValueError("The service account key must be an RSA key.")
        self._private_key = private_key
        self._url = url
        self._clock = clock

    def issue(self) -> IamToken:
        """Get a new token.

        Raises:
            ProviderAuthError: the key is refused.
            ProviderError: the exchange is away, slow or not understood.
        """
        deadline_s = time.monotonic() + TOTAL_TIMEOUT_S
        try:
            with requests.Session() as session:  # once an hour: nothing to keep open between
                session.trust_env = False
                response = session.post(
                    self._url,
                    json={"jwt": self._assertion()},
                    timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S),
                    allow_redirects=False,
                    stream=True,
                )
                with response:
                    body = _read(response, deadline_s)
        except requests.Timeout:
            raise ProviderTimeout("Yandex IAM took too long.", provider=PROVIDER) from None
        except requests.RequestException:
            # What these exceptions quote is not ours to pass on; their class says enough.
            raise ProviderUnavailable("Yandex IAM cannot be reached.", provider=PROVIDER) from None
        if response.status_code != 200:
            raise _refusal(response.status_code, scrub(complaint(body).text)[:RAW_CHARS])
        return _token(body)

    def _assertion(self) -> str:
        now_s = int(self._clock())
        claims = {
            "iss": self._account_id,
            "aud": _AUDIENCE,
            "iat": now_s,
            "exp": now_s + _JWT_LIFE_S,
        }
        headers = {"kid": self._key_id}
        return jwt.encode(claims, self._private_key, algorithm="PS256", headers=headers)


def _read(response: requests.Response, deadline_s: float) -> bytes:
    """Read the body within the total time: a timeout of `requests` counts from byte to byte."""
    body = bytearray()
    for piece in response.iter_content(chunk_size=1):  # a larger piece would be waited for
        body += piece
        if time.monotonic() > deadline_s:
            raise ProviderTimeout("Yandex IAM took too long.", provider=PROVIDER)
        if len(body) > _ANSWER_BYTES:
            raise ProviderProtocolError("Yandex IAM sent too much.", provider=PROVIDER)
    return bytes(body)


def _token(body: bytes) -> IamToken:
    try:
        answer = orjson.loads(body)
        value, expires_at_s = answer["iamToken"], _timestamp_s(answer["expiresAt"])
    except (ValueError, KeyError, TypeError, OverflowError):
        raise ProviderProtocolError("Yandex IAM sent no token.", provider=PROVIDER) from None
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise ProviderProtocolError("Yandex IAM sent no token.", provider=PROVIDER)
    return IamToken(value, expires_at_s)


def _timestamp_s(text: str) -> float:
    """Read an RFC 3339 stamp, whose nanoseconds are more than every parser takes."""
    stamp = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def _refusal(status: int, raw: str) -> ProviderError:
    kind: type[ProviderError] = ProviderUnavailable
    message = f"Yandex IAM answered {status}."
    if status == 408:
        kind, message = ProviderTimeout, "Yandex IAM took too long."
    elif 400 <= status < 500 and status != 429:
        kind, message = ProviderAuthError, "Yandex IAM does not accept the service account's key."
    return kind(message, provider=PROVIDER, status=status, raw=raw)
