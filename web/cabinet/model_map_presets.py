"""Proposals for a model map: the names that a program asks for, and models that suit them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.catalog.snapshot import CatalogModel

Role = Literal["large", "small", "vectors"]

AGENT_CONTEXT_TOKENS = 65_536
"""Agents begin with some 30,000 tokens of tools and instructions, and ask for as many of answer."""


@dataclass(frozen=True, slots=True)
class NamesPreset:
    """The names of a program's models, each with the role that its model has there."""

    slug: str
    title: str
    roles: Mapping[str, Role]


PRESETS = (
    NamesPreset("claude-code", "Claude Code", {"claude-*haiku*": "small", "claude-*": "large"}),
    NamesPreset(
        "codex",
        "Codex",
        {"gpt-*mini*": "small", "gpt-*": "large", "codex-*mini*": "small", "codex-*": "large"},
    ),
    NamesPreset(
        "openai",
        "OpenAI",
        {
            "gpt-*mini*": "small",
            "gpt-*nano*": "small",
            "gpt-*": "large",
            "chatgpt-*": "large",
            "o1*": "large",
            "o3*": "large",
            "o4*": "large",
            "text-embedding-*": "vectors",
        },
    ),
)


def proposed(preset: NamesPreset, models: Sequence[CatalogModel]) -> dict[str, str]:
    """Return the preset's entries with models of these; a role that none can play is left out.

    Among the chat models with room for an agent the dearest is the large one, and the cheapest the small one.
    """
    chat = [model for model in models if model.kind == "chat" and not model.is_auto]
    roomy = [model for model in chat if model.context_tokens >= AGENT_CONTEXT_TOKENS] or chat
    vectors = [model for model in models if model.kind == "embeddings"]
    players: dict[Role, str] = {}
    if roomy:
        players["large"] = max(roomy, key=_price_nano).id
        players["small"] = min(roomy, key=_price_nano).id
    if vectors:
        players["vectors"] = max(vectors, key=lambda model: model.context_tokens).id
    return {name: players[role] for name, role in preset.roles.items() if role in players}


def _price_nano(model: CatalogModel) -> int:
    return model.price.prompt_nano + model.price.completion_nano if model.price else 0
