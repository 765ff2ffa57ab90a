"""Bodies of YandexGPT's answers -> plain values: the envelope, the counters, tokens and vectors.

Source: ai/foundation_models/v1 of yandex-cloud/cloudapi, as proto3's JSON: an int64 is a string.
"""

from typing import Any, NoReturn

import orjson

from gateway.providers.chat_types import JSONObject, Usage
from gateway.providers.errors import ProviderProtocolError
from gateway.providers.yandexgpt.failures import PROVIDER, Scrub, complaint_of, refusal

_TOKENS_LIMIT = 10_000_000
"""A counter above it counts no tokens: the largest context on offer has 262,144."""


def result_of(body: bytes, *, scrub: Scrub) -> JSONObject:
    """Parse an answer and take its envelope `result` off; asynchronous ones have none.

    Raises:
        ProviderProtocolError: it is no JSON object.
        ProviderError: it is an error, of the kind its code means.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise_garbled("what is not JSON")
    if not isinstance(parsed, dict):
        raise_garbled("an answer of the wrong form")
    if parsed.get("error") is not None:
        said = complaint_of(parsed)
        raise refusal(said.status or 500, said.text, scrub=scrub)
    result: Any = parsed.get("result", parsed)
    if not isinstance(result, dict):
        raise_garbled("an answer of the wrong form")
    return result


def read_usage(usage: Any) -> Usage | None:
    """Read the counters of a completion; None where they are absent or cannot be true."""
    if not isinstance(usage, dict):
        return None
    prompt = read_count(usage.get("inputTextTokens"))
    completion = read_count(usage.get("completionTokens"))
    if prompt is None or completion is None:
        return None
    details = usage.get("completionTokensDetails")
    reasoning = read_count(details.get("reasoningTokens")) if isinstance(details, dict) else None
    # A part cannot exceed the whole.
    return Usage(prompt, completion, reasoning_tokens=min(reasoning or 0, completion))


def read_count(value: Any) -> int | None:
    """Read one int64, a string or a number; None if it is no count of tokens."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _TOKENS_LIMIT:
        return None
    return value


def read_token_list(answer: JSONObject) -> int:
    """Count the tokens that a tokenizer lists. Raises ProviderProtocolError if it lists none."""
    tokens = answer.get("tokens")
    if not isinstance(tokens, list):
        raise_garbled("an answer without tokens")
    return len(tokens)


def read_vector(answer: JSONObject) -> tuple[tuple[float, ...], int]:
    """Read the vector and the token count of an embedding. Raises ProviderProtocolError."""
    vector, tokens = answer.get("embedding"), read_count(answer.get("numTokens"))
    if tokens is None or not isinstance(vector, list) or not vector:
        raise_garbled("an embedding of the wrong form")
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in vector):
        raise_garbled("an embedding of the wrong form")
    return tuple(map(float, vector)), tokens


def raise_garbled(what: str) -> NoReturn:
    """Say that Yandex sent `what` no page of theirs speaks of."""
    raise ProviderProtocolError(f"YandexGPT sent {what}.", provider=PROVIDER)
