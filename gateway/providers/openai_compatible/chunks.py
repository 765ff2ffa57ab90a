"""Events or the whole body of an OpenAI-compatible answer -> ChatChunks.

Source: OpenAI's API reference, chat/object and chat/streaming; vLLM's entrypoints/openai; Ollama's
openai/openai.go; read 2026-11.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import orjson

from gateway.providers._shared.answer_json import read_answer_json
from gateway.providers._shared.logprobs import read_logprob
from gateway.providers._shared.redaction import Redact
from gateway.providers._shared.server_sent_events import DONE, EventLines
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import (
    ChatChunk,
    FinishReason,
    JSONObject,
    TokenLogprob,
    ToolCallDelta,
)
from gateway.providers.errors import ProviderProtocolError
from gateway.providers.openai_compatible.calls import CallReader
from gateway.providers.openai_compatible.failures import error_from_event
from gateway.providers.openai_compatible.thoughts import ThoughtParting, beginning_of
from gateway.providers.openai_compatible.usage import read_usage

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_BROKEN = ("abort", "error")
"""Finish reasons by which the server itself says that the answer is incomplete."""
_LEAKED = "[TOOL_CALL_END]"
"""A mark of Alice AI's own template, which stands in the text beside a call that had to be made."""


class OpenAIChunkReader:
    """Reads one completion, streamed or plain. `mint_id` makes the ids that calls may lack."""

    def __init__(
        self, *, provider: str, names: ToolNames, mint_id: Callable[[], str], redact: Redact
    ) -> None:
        self.done = False
        self._provider = provider
        self._redact = redact
        self._events = EventLines()
        self._calls = CallReader(names=names, mint_id=mint_id, garbled=self._garbled)
        self._thoughts = ThoughtParting()
        self._has_begun = False
        self.has_finished = False
        self._held = ""

    def line(self, line: bytes) -> ChatChunk | None:
        """Parse one line of a stream; None if the caller gets nothing of it.

        Raises:
            ProviderProtocolError: garbage.
            ProviderError: the line is an error, of the kind it names.
        """
        try:
            event = self._events.take(line)
        except ValueError:
            self._garbled("what is no JSON")
        if event is DONE:
            self.done = True
            return None
        return None if event is None else self._chunk(event.value, "delta")

    def end(self) -> ChatChunk | None:
        """Parse what is left at the end of the stream. Raises ProviderProtocolError if it was cut.

        Half an event that follows the finish reason is ignored.
        """
        try:
            event = self._events.end()
        except ValueError:
            if self.has_finished:
                return None
            self._garbled("what is no JSON")
        chunk = None if event is None else self._chunk(event.value, "delta")
        if self.has_finished:
            return chunk
        if not self.done or not self._has_begun:
            self._garbled("an answer without an end")
        # [DONE] came, without a finish reason.
        calls = self._calls.end(is_cut=False)
        self.has_finished = True
        text, reasoning = self._thoughts.end()
        return ChatChunk(
            text=self._without_mark(text),
            reasoning=reasoning,
            tool_calls=calls,
            finish_reason="tool_calls" if len(self._calls) else "stop",
        )

    def whole(self, body: bytes) -> ChatChunk:
        """Parse an answer that was not streamed. Raises as `line` does."""
        try:
            answer: Any = read_answer_json(body)
        except orjson.JSONDecodeError:
            self._garbled("what is no JSON")
        chunk = self._chunk(answer, "message")
        if chunk is None or chunk.finish_reason is None:
            self._garbled("an answer without an end")
        return chunk

    def _chunk(self, event: Any, part: str) -> ChatChunk | None:
        if not isinstance(event, dict):
            self._garbled("an event that is no object")
        if event.get("error") is not None or event.get("object") == "error":
            raise error_from_event(event, provider=self._provider, redact=self._redact)
        choices = event.get("choices")
        if not isinstance(choices, list):
            self._garbled("an answer without choices")
        usage = read_usage(event.get("usage"))
        if not choices:
            return None if usage is None else ChatChunk(usage=usage)
        choice = choices[0]
        if not isinstance(choice, dict):
            self._garbled("a choice that is no object")
        self._has_begun = True
        message = choice.get(part)
        if message is None and part == "delta":
            message = {}
        if not isinstance(message, dict):
            self._garbled(f"a {part} that is no object")
        text = self._text(message, "content")
        refusal = self._text(message, "refusal")
        reasoning = _reasoning(message)
        calls = self._calls.take(message.get("tool_calls"))
        calls += self._calls.take_deprecated(message.get("function_call"))
        finish, native, last = self._finish(choice.get("finish_reason"))
        calls += last
        if not self._thoughts.is_over:
            text, thought = self._parted(text)
            reasoning += thought
        if self._held or "[" in text:
            text = self._without_mark(text)
        logprobs = _logprobs(choice["logprobs"]) if choice.get("logprobs") else ()
        if not (text or refusal or reasoning or calls or finish or usage or logprobs):
            return None
        return ChatChunk(
            text=text,
            reasoning=reasoning,
            tool_calls=calls,
            finish_reason=finish,
            native_finish_reason=native,
            usage=usage,
            logprobs=logprobs,
            refusal=refusal,
        )

    def _parted(self, text: str) -> tuple[str, str]:
        """Return the text and the thoughts in a piece of text, all that there is with the last one."""
        text, thought = self._thoughts.take(text)
        if not self.has_finished:
            return text, thought
        text_left, thought_left = self._thoughts.end()
        return text + text_left, thought + thought_left

    def _without_mark(self, text: str) -> str:
        """Return what may be passed on: without the mark, and without what may be its beginning."""
        text = (self._held + text).replace(_LEAKED, "")
        passed = len(text) if self.has_finished else len(text) - beginning_of(_LEAKED, text)
        self._held = text[passed:]
        return text[:passed]

    def _finish(
        self, native: Any
    ) -> tuple[FinishReason | None, str | None, tuple[ToolCallDelta, ...]]:
        """Make finish reason and calls agree: a caller given one without the other loops for ever."""
        if native is None or native == "":
            return None, None, ()
        if not isinstance(native, str):
            self._garbled("a finish reason that is no text")
        if native in _BROKEN:
            self._garbled("an answer that it broke off itself")
        self.has_finished = True
        finish = _FINISH.get(native, "stop")
        last = self._calls.end(is_cut=finish in ("length", "content_filter"))
        if finish in ("stop", "tool_calls"):
            # A call of a tool that tool_choice named ends with "stop".
            finish = "tool_calls" if len(self._calls) else "stop"
        return finish, native, last

    def _text(self, message: JSONObject, name: str) -> str:
        value = message.get(name)
        if not isinstance(value, str | None):
            self._garbled(f"a {name} that is no text")
        return value or ""

    def _garbled(self, what: str) -> NoReturn:
        raise ProviderProtocolError(
            f"The provider sent {what}.", provider=self._provider, status=200
        )


def _logprobs(written: Any) -> tuple[TokenLogprob, ...]:
    """Read `{"content": [{"token", "logprob", "top_logprobs"}]}`."""
    content = written.get("content") if isinstance(written, dict) else None
    found = [
        read_logprob(item, item.get("top_logprobs"))
        for item in (content if isinstance(content, list) else [])
        if isinstance(item, dict)
    ]
    return tuple(item for item in found if item is not None)


def _reasoning(message: JSONObject) -> str:
    """Return what the model thinks aloud: one text under two names. What is no text is passed over."""
    for name in ("reasoning_content", "reasoning"):
        if isinstance(value := message.get(name), str) and value:
            return value
    return ""
