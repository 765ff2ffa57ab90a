"""Writing a reply as Chat Completions: one JSON object, or a stream of server-sent events.

Source: OpenAI's API reference, chat/object and chat/streaming; vLLM's serving_chat.py; November 2026.
"""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.core.conversation import Call, Finish, Reply
from sandbox.core.exchange import (
    EVENT_STREAM,
    Piece,
    Reported,
    SandboxResponse,
    json_answer,
    to_json,
)
from sandbox.core.tokens import count_tokens, split_words

_FINISHES: dict[Finish, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "error": "abort",
}
_PIECE_CHARS = 12


@dataclass(frozen=True, slots=True)
class OpenAIWriter:
    """Writes one reply of one model; `thoughts` are what it thinks aloud before.

    `tells_usage` is when a stream tells it: `include_usage` behind the last choice,
    `continuous_usage_stats` in every event. A forced call ends with `stop`, as at OpenAI.
    """

    model: str
    identity: str
    reply: Reply
    thoughts: str
    prompt_tokens: int
    cached_tokens: int
    interval_s: float
    tells_usage: tuple[str, ...]
    is_forced: bool
    forgetful: bool = False

    def plain(self) -> SandboxResponse:
        """Return the whole answer."""
        message = {
            "role": "assistant",
            "content": None if self.reply.calls else self.reply.text,
            "refusal": None,
            "tool_calls": [self._call(i, call) for i, call in enumerate(self.reply.calls)],
            "reasoning": self.thoughts or None,
            "reasoning_content": self.thoughts or None,
        }
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self._finish,
            "stop_reason": None,
        }
        usage = self._usage(self.reply.rendered())
        body = self._event("chat.completion", [choice]) | {"usage": _written(usage, self._thought)}
        return json_answer(body, usage=usage)

    def stream(self) -> SandboxResponse:
        """Return the answer as events: the role, words or pieces of calls, the finish, the usage."""
        pieces = [
            Piece(
                b"data: " + to_json(event) + b"\n\n", 0.0 if index == 0 else self.interval_s, usage
            )
            for index, (event, usage) in enumerate(self._events())
        ]
        # Nothing passes between the last event and its mark.
        return SandboxResponse(
            200, EVENT_STREAM, [*pieces, Piece(b"data: [DONE]\n\n")], streamed=True
        )

    def _events(self) -> Iterator[tuple[dict[str, Any], Reported | None]]:
        text = ""
        for delta, words in self._deltas():
            text += words
            yield self._reported(self._choice(delta), text)
        text = self.reply.rendered()
        if not (self.forgetful and self.reply.calls):
            ending = self._choice({"content": ""}, finish_reason=self._finish, stop_reason=None)
            yield self._reported(ending, text)
        if "include_usage" in self.tells_usage:
            usage = self._usage(text)
            event = self._event("chat.completion.chunk", [])
            yield event | {"usage": _written(usage, self._thought)}, usage

    def _reported(
        self, choice: dict[str, Any], text: str
    ) -> tuple[dict[str, Any], Reported | None]:
        event = self._event("chat.completion.chunk", [choice])
        if "continuous_usage_stats" not in self.tells_usage:
            return event, None
        usage = self._usage(text)
        return event | {"usage": _written(usage, self._thought)}, usage

    def _deltas(self) -> Iterator[tuple[dict[str, Any], str]]:
        """Yield each delta with the words that it adds to the answer."""
        yield {"role": "assistant", "content": ""}, ""
        for word in split_words(self.thoughts):
            yield {"reasoning": word, "reasoning_content": word}, ""
        for index, call in enumerate(self.reply.calls):
            whole = self._call(index, call)
            written = whole["function"]["arguments"]
            opening = whole | {"index": index, "function": {"name": call.name, "arguments": ""}}
            yield {"tool_calls": [opening]}, call.name
            for start in range(0, len(written), _PIECE_CHARS):
                piece = written[start : start + _PIECE_CHARS]
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}, piece
        for word in split_words(self.reply.text) if not self.reply.calls else ():
            yield {"content": word}, word

    def _call(self, index: int, call: Call) -> dict[str, Any]:
        identity = uuid.uuid5(uuid.NAMESPACE_OID, f"{self.identity} {index}").hex
        arguments = json.dumps(call.arguments, ensure_ascii=False)
        return {
            "id": call.name if self.forgetful else f"chatcmpl-tool-{identity}",
            "type": "function",
            "function": {"name": call.name, "arguments": arguments},
        }

    def _event(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self.identity}",
            "object": kind,
            "created": int(time.time()),
            "model": self.model,
            "choices": choices,
        }

    def _choice(self, delta: dict[str, Any], **ending: Any) -> dict[str, Any]:
        return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **ending}

    @property
    def _finish(self) -> str:
        return "stop" if self.reply.calls and self.is_forced else _FINISHES[self.reply.finish]

    @property
    def _thought(self) -> int:
        return count_tokens(self.thoughts)

    def _usage(self, text: str) -> Reported:
        return Reported(self.prompt_tokens, count_tokens(text) + self._thought, self.cached_tokens)


def _written(usage: Reported, reasoning_tokens: int) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "completion_tokens": usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": reasoning_tokens},
    }
