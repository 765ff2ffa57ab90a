"""Embeddings and token counts of GigaChat: texts in batches, answers checked.

Source: developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-embeddings and
post-tokens-count; read 2026-11.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import orjson

from gateway.providers._shared.embeddings import batches as split
from gateway.providers._shared.embeddings import read_vectors
from gateway.providers._shared.token_counts import is_count
from gateway.providers.chat_types import Embedding
from gateway.providers.errors import ProviderProtocolError
from gateway.providers.gigachat.failures import PROVIDER

BATCH_TEXTS_MAX = 90
BATCH_CHARS_MAX = 1_000_000
"""What Sber's own LangChain package sends at once; the API names no limit."""


def batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Split `texts` in order."""
    return split(texts, texts_max=BATCH_TEXTS_MAX, chars_max=BATCH_CHARS_MAX)


def read_counts(body: bytes, expected: int) -> list[int]:
    """Read `[{"object": "tokens", "tokens": 2, "characters": 5}, ...]`."""
    items = _loaded(body)
    if not isinstance(items, list) or len(items) != expected:
        _garbled()
    return [_count(item, "tokens") for item in items]


def read_embedding(body: bytes, expected: int) -> Embedding:
    """Read `{"data": [{"index", "embedding", "usage": {"prompt_tokens"}}]}` and sum the usage."""
    answer = _loaded(body)
    vectors = read_vectors(answer, expected)
    if vectors is None:
        _garbled()
    return Embedding(
        vectors, sum(_count(item.get("usage"), "prompt_tokens") for item in answer["data"])
    )


def _count(holder: Any, name: str) -> int:
    value = holder.get(name) if isinstance(holder, dict) else None
    if not is_count(value):
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
