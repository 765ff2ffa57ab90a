"""Embeddings of an OpenAI-compatible server: texts in batches, answers checked.

Source: OpenAI's API reference, embeddings/create; read 2026-11.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from gateway.providers._shared.embeddings import batches as split
from gateway.providers._shared.embeddings import read_vectors
from gateway.providers._shared.token_counts import read_count
from gateway.providers.chat_types import Embedding, JSONObject
from gateway.providers.errors import ProviderProtocolError

BATCH_TEXTS_MAX = 64
BATCH_CHARS_MAX = 200_000
"""Well below OpenAI's 2,048 texts and 300,000 tokens; self-hosted servers name no limit."""


def batches(texts: Sequence[str], texts_max: int = BATCH_TEXTS_MAX) -> Iterator[list[str]]:
    """Split `texts` in order."""
    return split(texts, texts_max=texts_max, chars_max=BATCH_CHARS_MAX)


def embedding_payload(
    batch: Sequence[str], *, upstream_id: str, dimensions: int | None = None
) -> JSONObject:
    """Write a request; a text alone goes without a list, for Yandex takes none."""
    payload: JSONObject = {
        "model": upstream_id,
        "input": batch[0] if len(batch) == 1 else list(batch),
        "encoding_format": "float",
    }
    return payload if dimensions is None else payload | {"dimensions": dimensions}


def read_embedding(body: bytes, expected: int, *, provider: str) -> Embedding:
    """Read `{"data": [{"index", "embedding"}], "usage": {"prompt_tokens"}}`, in the order of the texts.

    Some servers leave `usage` out. Raises ProviderProtocolError: another form, another number of vectors, or
    a count that is none.
    """
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    vectors = read_vectors(answer, expected)
    usage = (answer.get("usage") if isinstance(answer, dict) else None) or {}
    told = usage.get("prompt_tokens") if isinstance(usage, dict) else usage
    tokens = read_count(told) if isinstance(usage, dict) else None
    if vectors is None or (tokens is None and told is not None):
        raise ProviderProtocolError(
            "The provider's answer is not what was asked for.", provider=provider, status=200
        )
    return Embedding(vectors, tokens)
