"""The models of the emulated YandexGPT and the URIs that name them.

Source: YandexGPT reference of November 2026, sections 3, 10, 11 and 13.
"""

import re
from dataclasses import dataclass
from typing import Literal

_CONTEXT_TOKENS = 32_768
_BRANCHES = ("latest", "rc", "deprecated")
_URI = re.compile(r"(?P<scheme>gpt|emb)://(?P<folder>[^/@]+)/(?P<model>[^/@]+)(?:/(?P<branch>[^/@]+))?"
                  r"(?P<suffix>@.+)?")  # fmt: skip


@dataclass(frozen=True, slots=True)
class YandexModel:
    """A model of some branch; `version` is what answers name."""

    name: str
    version: str
    context_tokens: int = _CONTEXT_TOKENS
    reasoning: bool = False
    embedding_size: int = 0
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelUri:
    """The parts of `scheme://folder/model/branch@suffix`."""

    scheme: str
    folder: str
    model: str
    branch: str
    suffix: str

    def found(self) -> YandexModel | None:
        """Return the model, if it is one of the present ones."""
        if self.branch not in _BRANCHES or self.suffix:
            return None
        if self.scheme == "emb":
            return _EMBEDDERS.get(self.model)
        # The release candidate of Pro is 5.1, which has no reasoning.
        if (self.model, self.branch) == ("yandexgpt", "rc"):
            return _GENERATORS["yandexgpt-5.1"]
        return _GENERATORS.get(self.model)


def parse_uri(text: str, scheme: Literal["gpt", "emb"]) -> ModelUri | None:
    """Return the parts of a model URI; None if the text is none of that scheme."""
    found = _URI.fullmatch(text)
    if found is None or found["scheme"] != scheme:
        return None
    branch = found["branch"] or "latest"
    return ModelUri(scheme, found["folder"], found["model"], branch, found["suffix"] or "")


_GENERATORS = {
    "yandexgpt": YandexModel("yandexgpt", "24.09.2025", reasoning=True),
    "yandexgpt-5-pro": YandexModel("yandexgpt-5-pro", "24.09.2025", reasoning=True),
    "yandexgpt-5.1": YandexModel("yandexgpt-5.1", "28.08.2025"),
    "yandexgpt-lite": YandexModel("yandexgpt-lite", "18.02.2025"),
    "yandexgpt-5-lite": YandexModel("yandexgpt-5-lite", "18.02.2025"),
    "aliceai-llm": YandexModel("aliceai-llm", "21.10.2025"),
}
_EMBEDDERS = {
    name: YandexModel(name, "06.12.2023", context_tokens=2000, embedding_size=256)
    for name in ("text-search-doc", "text-search-query")
} | {
    name: YandexModel(
        name, "04.07.2026", context_tokens=8192, embedding_size=256, sizes=(128, 256, 512, 768)
    )
    for name in ("text-embeddings-v2-doc", "text-embeddings-v2-query")
}
