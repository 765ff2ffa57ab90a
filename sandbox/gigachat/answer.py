"""Writing a reply on GigaChat's wire: one JSON object, or a stream of server-sent events.

Source: GigaChat reference of November 2026, sections 6, 8 and 9, and recorded answers.
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
    "error": "error",
}
_NAMESPACE = uuid.UUID("5a11db0e-0000-4000-8000-000000000004")


@dataclass(frozen=True, slots=True)
class GigaChatWriter:
    """Writes one reply of one model, `choices` times over."""

    card: GigaChatModelCard
    reply: Reply
    usage: Reported
    choices: int
    interval_s: float

    def plain(self) -> SandboxResponse:
        """Return the whole answer."""
        message = {"content": _content(self.reply), "role": "assistant", **self._call()}
        choices = [
            {"message": message, "index": index, "finish_reason": _FINISHES[self.reply.finish]}
            for index in range(self.choices)
        ]
        return json_answer({**self._event(choices), "usage": self._usage()}, usage=self.usage)

    def stream(self) -> SandboxResponse:
        """Return the answer as events: a word each, then the finish with the usage."""
        pieces = [
            Piece(b"data: " + event + b"\n\n", 0.0 if index == 0 else self.interval_s, usage)
            for index, (event, usage) in enumerate(self._events())
        ]
        # Nothing passes between the last event and its mark.
        return SandboxResponse(
            200, EVENT_STREAM, [*pieces, Piece(b"data: [DONE]\n\n")], streamed=True
        )

    def _events(self) -> Iterator[tuple[bytes, Reported | None]]:
        for index in range(self.choices):
            usage = self.usage if index == self.choices - 1 else None
            *deltas, last = self._deltas()
            for delta in deltas:
                yield to_json(self._event([{"delta": delta, "index": index}])), None
            finish = _FINISHES[self.reply.finish]
            choice = {"delta": last, "index": index, "finish_reason": finish}
            event = self._event([choice])
            yield to_json({**event, "usage": self._usage()} if usage else event), usage

    def _deltas(self) -> Iterator[dict[str, Any]]:
        if self.reply.calls:
            # A call comes whole, in the only event.
            yield {"content": "", "role": "assistant", **self._call()}
            return
        if self.reply.builtin is not None:
            yield {"content": "", "role": "function_in_progress", "name": self.reply.builtin}
        words = split_words(_content(self.reply))
        for index, word in enumerate(words):
            yield {"content": word, "role": "assistant"} if index == 0 else {"content": word}
        yield {"content": ""} if words else {"content": "", "role": "assistant"}

    def _call(self) -> dict[str, Any]:
        if not self.reply.calls:
            return {}
        call = self.reply.calls[0]
        return {
            "function_call": {"name": call.name, "arguments": call.arguments},
            "functions_state_id": str(uuid.uuid5(_NAMESPACE, call.text())),
        }

    def _event(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        plural = self.card.is_third_generation
        return {
            "choices": choices,
            "created": int(time.time()),
            "model": self.card.version,
            "object": "chat.completions" if plural else "chat.completion",
        }

    def _usage(self) -> dict[str, int]:
        return {
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "total_tokens": self.usage.prompt_tokens + self.usage.completion_tokens,
            "precached_prompt_tokens": self.usage.cached_tokens,
        }


def _content(reply: Reply) -> str:
    if reply.builtin is None:
        return reply.text
    picture = uuid.uuid5(_NAMESPACE, reply.text)
    return f'<img src="{picture}" fuse="true"/> {reply.text}'
