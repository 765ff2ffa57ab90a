"""The models of the emulated OpenAI-compatible server and what each can do.

Source: model cards of Qwen3 8B, Gemma 3 27B, gpt-oss 20B and BGE-M3, as vLLM serves them; November 2026.
"""

import time
from dataclasses import dataclass
from typing import Any

_STARTED_S = int(time.time())


@dataclass(frozen=True, slots=True)
class OpenAIModelCard:
    """A model; `images` is the most of them in a prompt, `embedding_size` that of an embedder.

    `sizes` are those that may be asked for instead. One that is `forgetful` gives every call the name of
    its tool for an id, and no finish reason behind a streamed call, as Alice AI does.
    """

    id: str
    context_tokens: int
    images: int = 0
    reasoning: bool = False
    embedding_size: int = 0
    sizes: tuple[int, ...] = ()
    forgetful: bool = False

    def listed(self) -> dict[str, Any]:
        """Return the card as GET /models shows it."""
        return {
            "id": self.id,
            "object": "model",
            "created": _STARTED_S,
            "owned_by": "vllm",
            "root": self.id,
            "parent": None,
            "max_model_len": self.context_tokens,
        }


_ALL = (
    OpenAIModelCard("qwen3-8b", 32_768),
    OpenAIModelCard("gemma-3-27b-it", 131_072, images=4),
    OpenAIModelCard("gpt-oss-20b", 131_072, reasoning=True),
    OpenAIModelCard("bge-m3", 8_192, embedding_size=1024),
)

CARDS = {card.id: card for card in _ALL}
