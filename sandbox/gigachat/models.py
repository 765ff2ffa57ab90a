"""The models of the emulated GigaChat and what each can do.

Source: GigaChat reference of November 2026 (GET /models as recorded in January 2026, and the
models announced since). Contexts that are not published are taken as 131072 tokens.
"""

from dataclasses import dataclass
from typing import Literal

_VERSION = "2.0.28.2"
_THIRD_VERSION = "32.3.7.3"


@dataclass(frozen=True, slots=True)
class GigaChatModelCard:
    """A model; `embedding_size` and `input_tokens` are those of an embedder."""

    id: str
    kind: Literal["chat", "embedder", "filter", "aicheck"] = "chat"
    context_tokens: int = 131_072
    functions: bool = True
    images: bool = False
    structured_output: bool = True
    reasoning: bool = False
    embedding_size: int = 0
    input_tokens: int = 0

    @property
    def is_third_generation(self) -> bool:
        """Return whether the model is of the generation that names its objects in plural."""
        return self.id.startswith("GigaChat-3")

    @property
    def version(self) -> str:
        """Return the model's name in answers."""
        return f"{self.id}:{_THIRD_VERSION if self.is_third_generation else _VERSION}"

    def listed(self) -> dict[str, str]:
        """Return the card as GET /models shows it."""
        return {
            "id": self.id,
            "object": "model",
            "owned_by": "salutedevices",
            "type": self.kind,
        }


def _first_generation(
    model: str, *, context_tokens: int = 131_072, functions: bool = True
) -> GigaChatModelCard:
    return GigaChatModelCard(
        model, context_tokens=context_tokens, functions=functions, structured_output=False
    )


_ALL = (
    _first_generation("GigaChat"),
    GigaChatModelCard("GigaChat-2"),
    GigaChatModelCard("GigaChat-2-Max", images=True),
    GigaChatModelCard("GigaChat-2-Max-preview", images=True),
    GigaChatModelCard("GigaChat-2-Pro", images=True),
    GigaChatModelCard("GigaChat-2-Pro-preview", images=True),
    GigaChatModelCard("GigaChat-2-Reasoning", reasoning=True),
    GigaChatModelCard("GigaChat-2-preview"),
    GigaChatModelCard("GigaChat-3-Lightning"),
    GigaChatModelCard("GigaChat-3-Pro", context_tokens=262_144),
    GigaChatModelCard("GigaChat-3-Ultra"),
    _first_generation("GigaChat-Max"),
    _first_generation("GigaChat-Max-preview"),
    _first_generation("GigaChat-Plus", context_tokens=32_768, functions=False),
    _first_generation("GigaChat-Pro"),
    _first_generation("GigaChat-Pro-preview"),
    _first_generation("GigaChat-preview"),
    GigaChatModelCard("GigaFilter", "filter"),
    GigaChatModelCard("GigaCheckClassification", "aicheck"),
    GigaChatModelCard("GigaCheckDetection", "aicheck"),
    GigaChatModelCard("Embeddings", "embedder", embedding_size=1024, input_tokens=512),
    GigaChatModelCard("Embeddings-2", "embedder", embedding_size=1024, input_tokens=512),
    GigaChatModelCard("EmbeddingsGigaR", "embedder", embedding_size=2560, input_tokens=4096),
    GigaChatModelCard(
        "GigaEmbeddings-3B-2025-09", "embedder", embedding_size=2048, input_tokens=4096
    ),
)

CARDS = {card.id: card for card in _ALL}
