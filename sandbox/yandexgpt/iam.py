"""Yandex's IAM: the exchange of a service account's signed JWT for an IAM token.

Source: YandexGPT reference of November 2026, sections 2.1, 9 and 14.
"""

import threading
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import jwt

from sandbox.core.controls import Settings
from sandbox.core.credentials import ServiceAccountKey, issue_token, make_service_account_key
from sandbox.core.exchange import SandboxRefusal, SandboxRequest, SandboxResponse, json_answer

_AUDIENCE = "https://iam.api.cloud.yandex.net/iam/v1/tokens"
_LONGEST_LIFE_S = 3600
_CLOCK_DIFFERENCE_S = 60
_UNAUTHENTICATED, _INVALID_ARGUMENT = 16, 3


class ServiceAccounts:
    """The authorized keys that the emulator knows: one, made when it is first asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: ServiceAccountKey | None = None

    def key(self) -> ServiceAccountKey:
        """Return the authorized key."""
        with self._lock:
            if self._key is None:
                self._key = make_service_account_key()
            return self._key

    def find(self, key_id: object) -> ServiceAccountKey | None:
        """Return the key of an id, if it was given out."""
        key = self._key
        return key if key is not None and key["id"] == key_id else None


def exchange(
    request: SandboxRequest, accounts: ServiceAccounts, settings: Settings
) -> SandboxResponse:
    """Answer POST /iam/v1/tokens. Raises SandboxRefusal."""
    if request.method != "POST":
        raise _refusal(request, HTTPStatus.METHOD_NOT_ALLOWED, 12, "Method Not Allowed")
    token = _posted_jwt(request)
    fault = _fault(token, accounts)
    if fault is not None:
        raise _refusal(request, HTTPStatus.UNAUTHORIZED, _UNAUTHENTICATED, fault)
    expires_at = time.time() + settings.iam_token_lifetime_s
    second, nanoseconds = divmod(int(expires_at * 1_000_000), 1_000_000)
    until = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return json_answer(
        {
            "iamToken": issue_token("iam", expires_at),
            # Nine decimals, as the real service has them.
            "expiresAt": f"{until}.{nanoseconds:06d}789Z",
        }
    )


def _posted_jwt(request: SandboxRequest) -> str:
    try:
        body = request.json()
    except (ValueError, RecursionError):
        body = None
    token = body.get("jwt") if isinstance(body, dict) and list(body) == ["jwt"] else None
    if not isinstance(token, str):
        message = "the body must be a JSON object with a jwt and nothing else"
        raise _refusal(request, HTTPStatus.BAD_REQUEST, _INVALID_ARGUMENT, message)
    return token


def _fault(token: str, accounts: ServiceAccounts) -> str | None:
    """Return what is wrong with a JWT, if anything."""
    try:
        header = jwt.get_unverified_header(token)
        key = accounts.find(header.get("kid"))
        if key is None:
            return f"The key {header.get('kid')} is not found"
        # Times are checked below, against the rules of Yandex rather than those of the library.
        claims = jwt.decode(
            token,
            key["public_key"],
            algorithms=["PS256"],
            options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
        )
    except (jwt.InvalidTokenError, ValueError) as error:
        return f"JWT is invalid: {error}"
    return _claims_fault(claims, key)


def _claims_fault(claims: dict[str, Any], key: ServiceAccountKey) -> str | None:
    issued_at, expires_at, now = claims.get("iat"), claims.get("exp"), time.time()
    if claims.get("iss") != key["service_account_id"]:
        return "JWT: iss is not the service account of the key"
    if claims.get("aud") != _AUDIENCE:
        return f"JWT: aud must be {_AUDIENCE}"
    if type(issued_at) is not int or type(expires_at) is not int:
        return "JWT: iat and exp must be integers"
    if not 0 < expires_at - issued_at <= _LONGEST_LIFE_S:
        return f"JWT: exp must follow iat by {_LONGEST_LIFE_S} seconds at most"
    if issued_at > now + _CLOCK_DIFFERENCE_S or expires_at <= now:
        return "JWT is not valid at this time"
    return None


def _refusal(
    request: SandboxRequest, status: HTTPStatus, code: int, message: str
) -> SandboxRefusal:
    """Return a refusal in the flat form, which IAM uses and the models do not."""
    kind = "type.googleapis.com/google.rpc.RequestInfo"
    details = [{"@type": kind, "requestId": request.request_id}]
    return SandboxRefusal(
        json_answer({"code": code, "message": message, "details": details}, status)
    )
