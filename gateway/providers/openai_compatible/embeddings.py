"""Vectors: requests split to what servers take at once, answers checked.

Source: OpenAI's API reference, embeddings/create; read 2026-11.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from gateway.providers.chat_types import Embedding, JSONObject
from gateway.providers.errors import ProviderProtocolError
from gateway.providers.openai_compatible.usage import is_count

BATCH_TEXTS_MAX = 64
BATCH_CHARS_MAX = 200_000
"""Well below OpenAI's 2,048 texts and 300,000 tokens; servers of one's own name no limit."""


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


def embedding_payload(batch: Sequence[str], *, upstream_id: str) -> JSONObject:
    """Write a request; a text alone goes without a list, for Yandex takes none."""
    return {
        "model": upstream_id,
        "input": batch[0] if len(batch) == 1 else list(batch),
        "encoding_format": "float",
    }


def read_vectors(body: bytes, expected: int, *, provider: str) -> Embedding:
    """Read `{"data": [{"index", "embedding"}], "usage": {"prompt_tokens"}}`, in the order of the texts.

    Raises ProviderProtocolError: another form, another number of vectors, or no count to charge by.
    """
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    found = _vectors(answer)
    usage = answer.get("usage") if isinstance(answer, dict) else None
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    if found is None or found.keys() != set(range(expected)) or not is_count(tokens):
        raise ProviderProtocolError(
            "The provider's answer is not what was asked for.", provider=provider, status=200
        )
    return Embedding(tuple(found[index] for index in range(expected)), tokens)


def _vectors(answer: Any) -> dict[int, tuple[float, ...]] | None:
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        return None
    found: dict[int, tuple[float, ...]] = {}
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            return None
        index, vector = item.get("index", place), item.get("embedding")
        if type(index) is not int or index in found or not isinstance(vector, list) or not vector:
            return None
        if not all(type(number) in (int, float) for number in vector):
            return None
        found[index] = tuple(map(float, vector))
    return found
