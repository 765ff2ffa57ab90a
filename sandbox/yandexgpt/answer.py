"""Writing a reply on Yandex's wire: one JSON object, or lines that each hold the text so far.

Source: YandexGPT reference of November 2026, sections 5, 6 and 8.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.core.conversation import Finish, Reply
from sandbox.core.exchange import Piece, Reported, SandboxResponse, json_answer, to_json
from sandbox.core.tokens import count_tokens, split_words

_STATUSES: dict[Finish, str] = {
    "stop": "FINAL",
    "length": "TRUNCATED_FINAL",
    "tool_calls": "TOOL_CALLS",
    "content_filter": "CONTENT_FILTER",
    "error": "UNSPECIFIED",
}
# The text so far is sent again each time, so that a long one is sent in larger steps.
_MOST_PARTIALS = 48
_REVISED_PARTIALS = range(3, 6)


@dataclass(frozen=True, slots=True)
class YandexWriter:
    """Writes one reply. `revises` streams a word wrong at first: "early" or "last"."""

    version: str
    reply: Reply
    prompt_tokens: int
    reasoning_tokens: int
    interval_s: float
    revises: str | None = None

    def plain(self) -> SandboxResponse:
        """Return the whole answer."""
        usage = self._usage(self.reply.rendered())
        return json_answer(self._final(usage), usage=usage)

    def stream(self) -> SandboxResponse:
        """Return the answer as one JSON object a line; the last one is final."""
        pieces = [
            Piece(to_json(value) + b"\n", 0.0 if index == 0 else self.interval_s, usage)
            for index, (value, usage) in enumerate(self._lines())
        ]
        return SandboxResponse(200, "application/json", pieces, streamed=True)

    def _lines(self) -> Iterator[tuple[dict[str, Any], Reported]]:
        # Calls and canned refusals come whole, in the final line.
        if self.reply.finish not in ("tool_calls", "content_filter"):
            words = split_words(self.reply.text)
            step = max(1, -(-len(words) // _MOST_PARTIALS))
            for count in range(step, len(words), step):
                text = self._shown(words[:count], count // step)
                usage = self._usage(text)
                message = {"role": "assistant", "text": text}
                yield self._result(message, "PARTIAL", usage), usage
        usage = self._usage(self.reply.rendered())
        yield self._final(usage), usage

    def _shown(self, words: list[str], partial: int) -> str:
        """Return the text of a partial, with a word that a later one corrects."""
        if self.revises == "early" and partial in _REVISED_PARTIALS:
            words[1] = f"{words[1]}-то"
        if self.revises == "last" and partial > 1:
            words[-1] = f"{words[-1]}-то"
        return "".join(words)

    def _final(self, usage: Reported) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant"}
        if self.reply.calls:
            calls = [
                {"functionCall": {"name": call.name, "arguments": call.arguments}}
                for call in self.reply.calls
            ]
            message["toolCallList"] = {"toolCalls": calls}
        else:
            message["text"] = self.reply.text
        return self._result(message, _STATUSES[self.reply.finish], usage)

    def _result(self, message: dict[str, Any], status: str, usage: Reported) -> dict[str, Any]:
        alternative = {"message": message, "status": f"ALTERNATIVE_STATUS_{status}"}
        return {
            "result": {
                "alternatives": [alternative],
                "usage": {
                    "inputTextTokens": str(usage.prompt_tokens),
                    "completionTokens": str(usage.completion_tokens),
                    "totalTokens": str(usage.prompt_tokens + usage.completion_tokens),
                    "completionTokensDetails": {"reasoningTokens": str(self.reasoning_tokens)},
                },
                "modelVersion": self.version,
            }
        }

    def _usage(self, text: str) -> Reported:
        return Reported(self.prompt_tokens, count_tokens(text) + self.reasoning_tokens)
