"""Vectors of texts without a model: texts that share words and letters point the same way."""

import math
import re
import zlib
from collections.abc import Iterator


def embed(text: str, size: int) -> list[float]:
    """Return a unit vector of that many numbers, always the same for the same text."""
    vector = [0.0] * size
    for feature, weight in _features(text.casefold()):
        digest = zlib.crc32(feature.encode())
        vector[digest % size] += weight if digest & 1 << 31 else -weight
    length = math.sqrt(sum(number * number for number in vector)) or 1.0
    return [round(number / length, 7) for number in vector]


def _features(text: str) -> Iterator[tuple[str, float]]:
    """Yield words, and the three-letter parts that forms of one word have in common."""
    for word in re.findall(r"\w+|[^\w\s]", text):
        yield word, 2.0
        framed = f"<{word}>"
        for start in range(len(framed) - 2):
            yield framed[start : start + 3], 1.0
