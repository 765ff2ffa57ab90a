"""GigaChat's access: the OAuth endpoint that gives out tokens, and the check of a token.

Source: GigaChat reference of November 2026, sections 3, 4 and 10.
"""

import base64
import binascii
import time
import uuid
from collections import OrderedDict
from threading import Lock
from urllib.parse import parse_qs

from sandbox.core.controls import Settings
from sandbox.core.credentials import GIGACHAT_CREDENTIALS, GIGACHAT_SCOPE, issue_token, read_token
from sandbox.core.exchange import SandboxRefusal, SandboxRequest, SandboxResponse, json_answer

_SCOPES = ("GIGACHAT_API_PERS", "GIGACHAT_API_B2B", "GIGACHAT_API_CORP")
_REMEMBERED_IDS = 10_000


class Gatekeeper:
    """Gives out tokens for the sandbox's key, and knows them again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._seen_ids: OrderedDict[str, None] = OrderedDict()

    def give_token(self, request: SandboxRequest) -> SandboxResponse:
        """Answer POST /api/v2/oauth. Raises SandboxRefusal."""
        self._check_request_id(request.headers.get("rquid", ""))
        key = _authorization_key(request.headers.get("authorization", ""))
        scope = _scope(request)
        if key != base64.b64decode(GIGACHAT_CREDENTIALS):
            raise _oauth_refusal(401, 6, "credentials doesn't match db data")
        if scope != GIGACHAT_SCOPE:
            raise _oauth_refusal(400, 7, "scope from db not fully includes consumed scope")
        expires_at = time.time() + self._settings.token_lifetime_s
        token = issue_token("gigachat", expires_at)
        return json_answer({"access_token": token, "expires_at": int(expires_at * 1000)})

    def token_fault(self, request: SandboxRequest) -> str | None:
        """Return what is wrong with the token of a request, if anything."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        facts = read_token(token, "gigachat") if scheme == "Bearer" else None
        if facts is None:
            return "Unauthorized"
        return "Token has expired" if facts.expires_at <= time.time() else None

    def _check_request_id(self, value: str) -> None:
        """Refuse an RqUID that is no uuid4, or (strictly) one that was sent before."""
        try:
            parsed = uuid.UUID(value)
        except ValueError:
            raise _oauth_refusal(400, 2, "RqUID is missing or malformed") from None
        if parsed.version != 4 or str(parsed) != value.lower():
            raise _oauth_refusal(400, 2, "RqUID must be a uuid4")
        with self._lock:
            if self._settings.strict and value in self._seen_ids:
                raise _oauth_refusal(400, 2, "RqUID was used before")
            self._seen_ids[value] = None
            if len(self._seen_ids) > _REMEMBERED_IDS:
                self._seen_ids.popitem(last=False)


def _authorization_key(header: str) -> bytes:
    scheme, _, key = header.partition(" ")
    try:
        decoded = base64.b64decode(key, validate=True)
    except binascii.Error:
        decoded = b""
    # Both schemes occur in the vendor's own examples.
    if scheme not in ("Basic", "Bearer") or not _is_id_and_secret(decoded):
        raise _oauth_refusal(400, 4, "Can't decode 'Authorization' header")
    return decoded


def _is_id_and_secret(decoded: bytes) -> bool:
    parts = decoded.split(b":")
    try:
        return len(parts) == 2 and all(uuid.UUID(part.decode()) for part in parts)
    except ValueError:
        return False


def _scope(request: SandboxRequest) -> str:
    is_form = request.media_type == "application/x-www-form-urlencoded"
    form = parse_qs(request.body.decode(errors="replace")) if is_form else {}
    scope = form.get("scope", [""])[0]
    if not scope:
        raise _oauth_refusal(400, 5, "scope is empty")
    if scope not in _SCOPES:
        raise _oauth_refusal(400, 1, "scope data format invalid")
    return scope


def _oauth_refusal(status: int, code: int, message: str) -> SandboxRefusal:
    return SandboxRefusal(json_answer({"code": code, "message": message}, status))
