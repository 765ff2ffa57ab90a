"""`GET /models` of an OpenAI-compatible server: its models, and the context of those that tell it.

Source: OpenAI's API reference, models/list; vLLM's protocol.py, ModelCard (`max_model_len`); read 2026-11.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from gateway.providers._shared.token_counts import is_count
from gateway.providers.errors import ProviderProtocolError


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model of a server's list; `context_tokens` is None where the list does not say."""

    id: str
    context_tokens: int | None = None


def read_models(body: bytes, *, provider: str) -> list[ListedModel]:
    """Read the list, in its order. Raises ProviderProtocolError where it is none."""
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    cards = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(cards, list):
        raise ProviderProtocolError(
            "The server's answer is no list of models.", provider=provider, status=200
        )
    return [
        ListedModel(card["id"], _context(card))
        for card in cards
        if isinstance(card, dict) and isinstance(card.get("id"), str) and card["id"]
    ]


def _context(card: dict[str, Any]) -> int | None:
    tokens = card.get("max_model_len")
    return tokens if is_count(tokens) and tokens else None
