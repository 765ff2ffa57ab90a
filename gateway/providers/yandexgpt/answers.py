"""The envelope of YandexGPT's answers, streamed or not.

Source: ai/foundation_models/v1 of yandex-cloud/cloudapi, as proto3's JSON.
"""

from typing import Any, NoReturn

import orjson

from gateway.providers._shared.answer_json import read_answer_json
from gateway.providers._shared.redaction import Redact
from gateway.providers.chat_types import JSONObject
from gateway.providers.errors import ProviderProtocolError
from gateway.providers.yandexgpt.failures import PROVIDER, error_from_line


def result_of(body: bytes, *, redact: Redact) -> JSONObject:
    """Parse an answer and take its envelope `result` off; asynchronous ones have none.

    Raises:
        ProviderProtocolError: it is no JSON object.
        ProviderError: it is an error, of the kind its code means.
    """
    try:
        parsed = read_answer_json(body)
    except orjson.JSONDecodeError:
        raise_garbled("what is no JSON")
    if not isinstance(parsed, dict):
        raise_garbled("an answer of the wrong form")
    if _is_error(parsed):
        raise error_from_line(parsed, redact=redact)
    result: Any = parsed.get("result", parsed)
    if not isinstance(result, dict):
        raise_garbled("an answer of the wrong form")
    return result


def _is_error(parsed: JSONObject) -> bool:
    """Say whether it has one of the shapes that `failures` reads; no answer has these names."""
    return parsed.get("error") is not None or "code" in parsed or "error_code" in parsed


def raise_garbled(what: str) -> NoReturn:
    """Raise ProviderProtocolError: `what` came instead of what the reference promises."""
    raise ProviderProtocolError(f"The provider sent {what}.", provider=PROVIDER)
