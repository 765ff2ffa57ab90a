"""Writing a reply in GigaChat's second chat form: one JSON object, or a stream of named events.

Source: reference of the second form of November 2026, sections 4 to 6, and recorded answers.
"""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.core.conversation import Finish, Reply
from sandbox.core.exchange import (
    EVENT_STREAM,
    Piece,
    Reported,
    SandboxResponse,
    json_answer,
    to_json,
)
from sandbox.core.tokens import split_words
from sandbox.gigachat.models import GigaChatModelCard

_FINISHES: dict[Finish, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "function_call",
    "content_filter": "blacklist",
    "error": "function_call_error",
}
_DELTA, _DONE = "response.message.delta", "response.message.done"
_LOGPROB = -0.125


@dataclass(frozen=True, slots=True)
class GigaChatV2Writer:
    """Writes one reply of one model; `thoughts` come before it, "" for none."""

    card: GigaChatModelCard
    reply: Reply
    thoughts: str
    usage: Reported
    interval_s: float
    state_id: str
    top_logprobs: int

    def plain(self) -> SandboxResponse:
        """Return the whole answer."""
        parts: list[dict[str, Any]] = self._calls()
        if not parts:
            parts = [self._worded(self.reply.text)]
        return json_answer(
            {**self._event([*self._thought(), self._message(parts)]), **self._end()},
            usage=self.usage,
        )

    def stream(self) -> SandboxResponse:
        """Return the answer as events: a word each, then the end with calls and usage."""
        pieces = [
            Piece(
                f"event: {name}\n".encode() + b"data: " + to_json(event) + b"\n\n",
                0.0 if index == 0 else self.interval_s,
                self.usage if name == _DONE else None,
            )
            for index, (name, event) in enumerate(self._events())
        ]
        return SandboxResponse(200, EVENT_STREAM, pieces, streamed=True)

    def _events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        if self.thoughts:
            yield _DELTA, self._event(self._thought())
        if self.reply.builtin is not None:
            running = [{"tool_execution": {"name": self.reply.builtin, "status": "in_progress"}}]
            yield "response.tool.in_progress", self._event([self._message(running)])
            over = [{"tool_execution": {"name": self.reply.builtin, "status": "completed"}}]
            yield "response.tool.completed", self._event([self._message(over)])
        if not self.reply.calls:
            for word in split_words(self.reply.text):
                spoken = {"role": "assistant", "content": [self._worded(word)]}
                yield _DELTA, self._event([spoken])
        last = [self._message(self._calls())] if self.reply.calls else []
        yield _DONE, {**self._event(last), **self._end()}

    def _thought(self) -> list[dict[str, Any]]:
        if not self.thoughts:
            return []
        return [{"role": "reasoning", "content": [{"text": self.thoughts}]}]

    def _message(self, parts: list[dict[str, Any]]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": parts}
        if self.reply.calls or self.reply.builtin is not None:
            message["tool_state_id"] = self.state_id
        return message

    def _calls(self) -> list[dict[str, Any]]:
        return [
            {
                "function_call": {
                    "id": str(uuid.uuid5(uuid.UUID(self.state_id), f"{index} {call.text()}")),
                    "name": call.name,
                    "arguments": call.arguments,
                }
            }
            for index, call in enumerate(self.reply.calls)
        ]

    def _worded(self, text: str) -> dict[str, Any]:
        part: dict[str, Any] = {"text": text}
        if self.top_logprobs:
            chosen = {"token": text, "token_id": 1, "logprob": _LOGPROB}
            part["logprobs"] = [{"chosen": chosen, "top": [chosen]}]
        return part

    def _event(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        event: dict[str, Any] = {"model": self.card.version, "created_at": int(time.time())}
        return {**event, "messages": messages} if messages else event

    def _end(self) -> dict[str, Any]:
        usage = self.usage
        return {
            "finish_reason": _FINISHES[self.reply.finish],
            "usage": {
                "input_tokens": usage.prompt_tokens,
                "input_tokens_details": {
                    "prompt_tokens": usage.prompt_tokens,
                    "cached_tokens": usage.cached_tokens,
                },
                "output_tokens": usage.completion_tokens,
                "total_tokens": usage.prompt_tokens + usage.completion_tokens,
            },
        }
