"""What a month of requests would cost on each model: the calculator of the catalogue."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from django.http import QueryDict

from billing.pricing import cost_nano
from billing.usage.usage_days import UsageRow
from web.public.model_entries import ModelEntry

MOST_REQUESTS = 1_000_000_000
MOST_TOKENS = 1_000_000


@dataclass(frozen=True, slots=True)
class Month:
    """So many requests, each with so many tokens of prompt and of answer.

    `cached_percent` is the share of the prompt that the provider has in its cache.
    """

    requests: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    cached_percent: int = 0

    @classmethod
    def read(cls, fields: QueryDict) -> Self:
        """Read `?requests= &prompt_tokens= &answer_tokens= &cached_percent=`; what is no number is zero."""
        return cls(
            _whole(fields.get("requests", ""), MOST_REQUESTS),
            _whole(fields.get("prompt_tokens", ""), MOST_TOKENS),
            _whole(fields.get("answer_tokens", ""), MOST_TOKENS),
            _whole(fields.get("cached_percent", ""), 100),
        )

    @classmethod
    def of_usage(cls, used: Iterable[UsageRow]) -> Self:
        """Return usage as requests of the average size."""
        rows = list(used)
        requests = sum(row.requests for row in rows)
        prompt_tokens = sum(row.tokens_prompt for row in rows)
        return cls(
            min(requests, MOST_REQUESTS),
            min(-(-prompt_tokens // (requests or 1)), MOST_TOKENS),
            min(-(-sum(row.tokens_completion for row in rows) // (requests or 1)), MOST_TOKENS),
            100 * sum(row.tokens_cached for row in rows) // (prompt_tokens or 1),
        )

    @property
    def is_told(self) -> bool:
        """Say whether there is anything to compute."""
        return self.requests > 0 and self.prompt_tokens + self.answer_tokens > 0

    def cost_nano(self, entry: ModelEntry) -> int:
        """Return what it costs on a model; embeddings have no answer that is paid for."""
        answer_tokens = self.answer_tokens if entry.model.kind == "chat" else 0
        each_nano = cost_nano(
            entry.price,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=answer_tokens,
            cached_tokens=self.prompt_tokens * self.cached_percent // 100,
        )
        return self.requests * each_nano


def _whole(text: str, most: int) -> int:
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 20 else 0
