"""Embeddings: texts in batches, vectors in the order of their texts."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gateway.providers.chat_types import Embedding

Vector = tuple[float, ...]


def batches(texts: Sequence[str], *, texts_max: int, chars_max: int) -> Iterator[list[str]]:
    """Split `texts` in order; a text longer than `chars_max` goes alone."""
    batch: list[str] = []
    chars = 0
    for text in texts:
        if batch and (len(batch) == texts_max or chars + len(text) > chars_max):
            yield batch
            batch, chars = [], 0
        batch.append(text)
        chars += len(text)
    if batch:
        yield batch


def joined(parts: Iterable[Embedding]) -> Embedding:
    """Put the answers to several requests together, in order; a count that one of them lacks, all lack."""
    vectors: list[Vector] = []
    counts: list[int | None] = []
    for part in parts:
        vectors += part.vectors
        counts.append(part.prompt_tokens)
    told = [count for count in counts if count is not None]
    return Embedding(tuple(vectors), sum(told) if len(told) == len(counts) else None)


def read_vectors(answer: Any, expected: int) -> tuple[Vector, ...] | None:
    """Read `{"data": [{"index", "embedding"}]}`; None unless there is one vector for each text.

    Without `index`, a vector's place in the list counts.
    """
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list) or len(items) != expected:
        return None
    found: dict[int, Vector] = {}
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            return None
        index, vector = item.get("index", place), read_vector(item.get("embedding"))
        if type(index) is not int or vector is None:
            return None
        found[index] = vector
    if found.keys() != set(range(expected)):
        return None
    return tuple(found[index] for index in range(expected))


def read_vector(numbers: Any) -> Vector | None:
    """Read a list of numbers; None if it is empty or no such list."""
    if not isinstance(numbers, list) or not numbers:
        return None
    if not all(type(number) in (int, float) for number in numbers):
        return None
    return tuple(map(float, numbers))
