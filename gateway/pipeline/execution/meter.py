"""Measure an answer as it comes: the provider's own token count, and the text to count where that is lost."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import mul

from gateway.pipeline import token_estimate
from gateway.pipeline.execution.filter_phrases import is_filter_phrase
from gateway.pipeline.request import parts
from gateway.providers.chat_types import ChatChunk, ChatRequest, Usage
from gateway.providers.errors import ProviderError

logger = logging.getLogger(__name__)

CountTokens = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class _Filtered:
    """How an answer stood when its filter spoke: its `pieces` and the usage `reported` until then.

    `said` is the text that came with the filter's verdict.
    """

    pieces: int
    reported: Usage | None
    said: str

    def as_it_came(self, own: Sequence[str]) -> Sequence[str]:
        """Return the pieces with the last word, which may have been held back until the filter spoke."""
        return (*own[:-1], own[-1] + self.said) if len(self.said.split()) == 1 else own


class Meter:
    """Counts the chunks of one answer. Tool calls and reasoning count as text."""

    def __init__(self, *, context_tokens: int) -> None:
        self._context_tokens = context_tokens
        self._pieces: list[str] = []
        self._characters = 0
        self._chunks = 0
        self._reported: Usage | None = None
        self._filtered: _Filtered | None = None
        self._asked = 1  # choices, those that have not begun left out

    @property
    def has_output(self) -> bool:
        """Whether there was anything that a caller can see."""
        return self._characters > 0

    def take(self, chunk: ChatChunk) -> None:
        """Count one chunk."""
        self._chunks += 1
        self._asked = chunk.choice + 1
        if chunk.finish_reason is None and chunk.usage is None and not chunk.tool_calls:
            # A word of a stream, as nearly all of them are.
            for text in (chunk.text, chunk.reasoning, chunk.refusal):
                if text:
                    self._pieces.append(text)
                    self._characters += len(text)
            return
        before = len(self._pieces)
        if chunk.finish_reason == "content_filter":
            self._filtered = _Filtered(before, self._reported, chunk.text)
        self._pieces += filter(None, (chunk.text, chunk.reasoning, chunk.refusal))
        for call in chunk.tool_calls:
            self._pieces += filter(None, (call.name, call.arguments))
        self._characters += sum(map(len, self._pieces[before:]))
        if chunk.usage is not None:
            self._reported = self.plausible(chunk.usage)

    def is_over(self, max_tokens: int) -> bool:
        """Say whether the answer is longer than `max_tokens` allows."""
        if self._reported is not None and self._reported.completion_tokens > max_tokens:
            return True
        return token_estimate.is_overrun(
            max_tokens, characters=self._characters, chunks=self._chunks
        )

    def final_usage(self, request: ChatRequest, count_tokens: CountTokens) -> Usage:
        """Return the provider's own count; else its counter's, else an estimate, both marked `estimated`.

        A count of no tokens for an answer that has some is none.
        """
        reported = self._reported
        if reported is not None and (reported.completion_tokens or not self.has_output):
            return reported
        counted = self._counted(self._pieces, request, count_tokens)
        return counted if reported is None else _with_completion_of(counted, reported)

    def _counted(
        self, pieces: Sequence[str], request: ChatRequest, count_tokens: CountTokens
    ) -> Usage:
        asked = parts(request)[: self._asked]
        repeats = Counter("\n".join(token_estimate.texts(part)) for part in asked)
        answer = "".join(pieces)
        try:
            *prompts_tokens, completion_tokens = count_tokens([*repeats, answer or " "])
            prompt_tokens = sum(map(mul, prompts_tokens, repeats.values()))
        except Exception as error:  # whatever it is: the answer was delivered, and must be settled
            is_fault = not isinstance(error, ProviderError | ValueError)
            logger.log(
                logging.ERROR if is_fault else logging.INFO,
                "The token counter did not answer, an estimate stands in: %s",
                error,
                exc_info=is_fault,
            )
            prompt_tokens = sum(map(token_estimate.prompt_tokens, asked))
            completion_tokens = token_estimate.text_tokens(answer)
        if not answer:
            completion_tokens = 0
        return Usage(max(1, prompt_tokens), completion_tokens, source="estimated")

    def usage_before_filter(self, request: ChatRequest, count_tokens: CountTokens) -> Usage | None:
        """Return what the model's own text took that came before the end of a filtered answer.

        None where there was none: the provider's own phrase is no text of the model's.
        """
        if self._filtered is None:
            return None
        own = self._pieces[: self._filtered.pieces]
        if not own or is_filter_phrase(self._filtered.as_it_came(own)):
            return None
        if self._filtered.reported is not None:
            return self._filtered.reported
        last = self._reported
        if last is not None and last.completion_tokens and not self._filtered.said:
            return last
        estimate = self._counted(own, request, count_tokens)
        return estimate if last is None else _with_completion_of(estimate, last)

    def plausible(self, usage: Usage) -> Usage | None:
        """Drop a count that is impossible: no prompt, or more than twice the context."""
        if not usage.prompt_tokens:
            return None
        most = 2 * self._context_tokens
        if usage.prompt_tokens > most or usage.completion_tokens > most:
            logger.error("A provider reported absurd usage: %s", usage)
            return None
        return usage


def _with_completion_of(counted: Usage, reported: Usage) -> Usage:
    return reported._replace(completion_tokens=counted.completion_tokens, source="estimated")
