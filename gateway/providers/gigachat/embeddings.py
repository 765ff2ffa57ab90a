"""Vectors and token counts: requests split to GigaChat's limits, answers checked.

Source: developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-embeddings and
post-tokens-count; read 2026-11.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import orjson

from gateway.providers.errors import ProviderProtocolError
from gateway.providers.gigachat.chunks import TOKENS_MAX
from gateway.providers.gigachat.failures import PROVIDER

BATCH_TEXTS_MAX = 90
BATCH_CHARS_MAX = 1_000_000
"""What Sber's own LangChain package sends at once; the API names no limit."""


def batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Split `texts` in order."""
    batch: list[str] = []
    chars = 0
    for text in texts:
        if batch and (len(batch) == BATCH_TEXTS_MAX or chars + len(text) > BATCH_CHARS_MAX):
            yield batch
            batch, chars = [], 0
        batch.append(text)
        chars += len(text)
    if batch:
        yield batch


def read_counts(body: bytes, expected: int) -> list[int]:
    """Read `[{"object": "tokens", "tokens": 2, "characters": 5}, ...]`."""
    items = _items(_loaded(body), expected)
    return [_count(item.get("tokens")) for item in items]


def read_vectors(body: bytes, expected: int) -> tuple[list[tuple[float, ...]], int]:
    """Read `{"data": [{"index", "embedding", "usage": {"prompt_tokens"}}]}` and sum the usage."""
    answer = _loaded(body)
    items = _items(answer.get("data") if isinstance(answer, dict) else None, expected)
    vectors: dict[int, tuple[float, ...]] = {}
    prompt_tokens = 0
    for place, item in enumerate(items):
        index, vector, usage = item.get("index", place), item.get("embedding"), item.get("usage")
        if type(index) is not int or not isinstance(vector, list) or not isinstance(usage, dict):
            _garbled()
        if not vector or not all(type(number) in (int, float) for number in vector):
            _garbled()
        vectors[index] = tuple(float(number) for number in vector)
        prompt_tokens += _count(usage.get("prompt_tokens"))
    if vectors.keys() != set(range(expected)):
        _garbled()
    return [vectors[index] for index in range(expected)], prompt_tokens


def _items(items: Any, expected: int) -> list[dict[str, Any]]:
    if not isinstance(items, list) or len(items) != expected:
        _garbled()
    if not all(isinstance(item, dict) for item in items):
        _garbled()
    return items


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= TOKENS_MAX:
        _garbled()
    return value


def _loaded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        _garbled()


def _garbled() -> NoReturn:
    raise ProviderProtocolError(
        "The provider's answer is not what was asked for.", provider=PROVIDER, status=200
    )
