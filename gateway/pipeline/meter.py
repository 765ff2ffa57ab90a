"""What an answer has brought so far: the provider's own count, and the text to count where that is lost."""

import logging
from collections.abc import Callable, Sequence

from gateway.pipeline import estimate
from gateway.providers.chat_types import ChatChunk, ChatRequest, Usage
from gateway.providers.errors import ProviderError

logger = logging.getLogger(__name__)

CountTokens = Callable[[Sequence[str]], list[int]]
MOST_CHARACTERS_PER_TOKEN = 10
OVERRUN_SLACK_CHARACTERS = 1024
MOST_CHUNKS_PER_TOKEN = 2
OVERRUN_SLACK_CHUNKS = 256


class Meter:
    """Takes every chunk of one answer. Characters of tool calls and reasoning count as text."""

    def __init__(self, *, context_tokens: int) -> None:
        self._context_tokens = context_tokens
        self._pieces: list[str] = []
        self._characters = 0
        self._chunks = 0
        self._reported: Usage | None = None

    @property
    def has_output(self) -> bool:
        """Whether anything came that a caller can see."""
        return self._characters > 0

    def take(self, chunk: ChatChunk) -> None:
        """Count one chunk."""
        self._chunks += 1
        before = len(self._pieces)
        self._pieces += filter(None, (chunk.text, chunk.reasoning))
        for call in chunk.tool_calls:
            self._pieces += filter(None, (call.name, call.arguments))
        self._characters += sum(map(len, self._pieces[before:]))
        if chunk.usage is not None:
            self._reported = self._plausible(chunk.usage)

    def is_over(self, max_tokens: int) -> bool:
        """Say whether the provider goes on past what it was asked for."""
        if self._reported is not None and self._reported.completion_tokens > max_tokens:
            return True
        return (
            self._characters > MOST_CHARACTERS_PER_TOKEN * max_tokens + OVERRUN_SLACK_CHARACTERS
            or self._chunks > MOST_CHUNKS_PER_TOKEN * max_tokens + OVERRUN_SLACK_CHUNKS
        )

    def final_usage(self, request: ChatRequest, count_tokens: CountTokens) -> Usage:
        """Return the provider's count, else its counter's, else an estimate; the latter two marked so."""
        if self._reported is not None:
            return self._reported
        prompt = "\n".join(estimate.texts(request))
        answer = "".join(self._pieces)
        try:
            prompt_tokens, completion_tokens = count_tokens([prompt, answer or " "])
        except (ProviderError, ValueError) as error:
            logger.info("The token counter did not answer, an estimate stands in: %s", error)
            prompt_tokens = estimate.prompt_tokens(request)
            completion_tokens = estimate.text_tokens(answer)
        if not answer:
            completion_tokens = 0
        return Usage(max(1, prompt_tokens), completion_tokens, source="estimated")

    def _plausible(self, usage: Usage) -> Usage | None:
        """Drop a count that cannot be: no context is that long."""
        most = 2 * self._context_tokens
        if usage.prompt_tokens > most or usage.completion_tokens > most:
            logger.error("A provider reported absurd usage: %s", usage)
            return None
        return usage
