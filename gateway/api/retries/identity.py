"""What tells that one request repeats another: the caller's key, the path and the JSON value. Pure.

All names and keys are derived from the raw credential, which is stored nowhere: who reads Redis can neither
open an answer nor try out what was asked.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.http import HttpRequest

from accounts.principal import Principal
from gateway.api.body import JSONObject
from gateway.api.dialects.base import Dialect
from gateway.api.retries.idempotency_key import idempotency_key
from infra import exact_json

SDK_ANSWER_KEPT_S = 600
KEYED_ANSWER_KEPT_S = 86_400

NAME_BYTES = 16
SEALING_KEY_BYTES = 32
EXACT_INTEGER_MAX = 2**53
"""Beyond it a float is not exactly the whole number that is written."""

_RETRY_COUNT = re.compile(r"\d{1,4}", re.ASCII)
_WHOLE_FLOAT = re.compile(rb"\d\.0[,}\]]")


@dataclass(frozen=True, slots=True)
class Identity:
    """A request that may be repeated, or repeats one.

    `name` is what its runs are listed under, `body` says whether two have the same JSON value and path.
    `retry` is the SDK's count of its own retries, 0 for the first request; None under an Idempotency-Key.
    """

    name: str
    body: str
    sealing_key: bytes = field(repr=False)
    retry: int | None
    kept_s: int


def identity_of(
    request: HttpRequest, document: JSONObject, caller: Principal, dialect: Dialect
) -> Identity | None:
    """Return the identity of a plain request; None where no header says that it may be repeated.

    Raises BadRequest for a wrong Idempotency-Key.
    """
    key = idempotency_key(request)
    retry = _retry_count(request)
    if key is None and retry is None:
        return None
    authorization = dialect.credential(request.headers)
    if authorization is None or caller.credential_kind == "session":
        return None
    credential = authorization.rpartition(" ")[2].encode()
    path = request.path_info.rstrip("/").encode()
    derived = _derive(
        credential,
        path + b"\n" + canonical(document),
        purpose=b"xrouter: a request and its answer",
        length=NAME_BYTES + SEALING_KEY_BYTES,
    )
    body, sealing_key = derived[:NAME_BYTES].hex(), derived[NAME_BYTES:]
    if key is None:
        return Identity(f"sdk:{body}", body, sealing_key, retry, SDK_ANSWER_KEPT_S)
    name = _derive(
        credential, key.encode(), purpose=b"xrouter: an Idempotency-Key", length=NAME_BYTES
    ).hex()
    return Identity(f"key:{name}", body, sealing_key, None, KEYED_ANSWER_KEPT_S)


def canonical(document: JSONObject) -> bytes:
    """Write a JSON value the same way however it came: spaces, escapes, order of keys, 1 or 1.0."""
    text = exact_json.dumps(document, sorts_keys=True)
    if _WHOLE_FLOAT.search(text):
        text = exact_json.dumps(_with_whole_numbers(document), sorts_keys=True)
    return text


def _with_whole_numbers(value: Any) -> Any:
    match value:
        case dict():
            return {name: _with_whole_numbers(one) for name, one in value.items()}
        case list():
            return [_with_whole_numbers(one) for one in value]
        case float() if value.is_integer() and abs(value) < EXACT_INTEGER_MAX:
            return int(value)
    return value


def _derive(credential: bytes, salt: bytes, *, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=salt, info=purpose).derive(credential)


def _retry_count(request: HttpRequest) -> int | None:
    """Return what OpenAI's and Anthropic's SDKs count.

    Source: https://github.com/openai/openai-python/blob/main/src/openai/_base_client.py (_build_headers)
    """
    count = request.META.get("HTTP_X_STAINLESS_RETRY_COUNT", "")
    return int(count) if _RETRY_COUNT.fullmatch(count) else None
