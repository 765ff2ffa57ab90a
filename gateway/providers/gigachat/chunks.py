"""Events or the whole body of a GigaChat answer -> ChatChunks.

Deltas are increments, a function call comes in one piece, usage unasked in the last event.
Source: ai-forever/gigachat, models/chat_completions.py and tests/integration;
developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-chat; read 2026-11.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import orjson

from gateway.providers._shared.answer_json import read_answer_json
from gateway.providers._shared.redaction import Redact
from gateway.providers._shared.server_sent_events import DONE, EventLines
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatChunk, FinishReason, ToolCallDelta
from gateway.providers.errors import ProviderProtocolError
from gateway.providers.gigachat.call_ids import mint_call_id
from gateway.providers.gigachat.failures import PROVIDER, error_from_event
from gateway.providers.gigachat.usage import read_usage
from infra import exact_json

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "function_call": "tool_calls",
    "blacklist": "content_filter",
}
_SERVICE_ROLES = ("function_in_progress", "search_result")
"""Roles of events about built-in functions, which are no words of the model."""


class GigaChatChunkReader:
    """Parses one completion, streamed or not."""

    def __init__(self, *, names: ToolNames, mint_id: Callable[[], str], redact: Redact) -> None:
        self.done = False
        self._names = names
        self._mint_id = mint_id
        self._redact = redact
        self.has_finished = False
        self._calls = 0
        self._events = EventLines()

    def line(self, line: bytes) -> ChatChunk | None:
        """Parse one line of a stream; None if the caller gets nothing of it.

        Raises ProviderProtocolError on garbage, or the ProviderError that an error event means.
        """
        try:
            event = self._events.take(line)
        except ValueError:
            _garbled("what is no JSON")
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
            _garbled("what is no JSON")
        chunk = None if event is None else self._chunk(event.value, "delta")
        if not self.has_finished:
            _garbled("an answer without an end")
        return chunk

    def whole(self, body: bytes) -> ChatChunk:
        """Parse an answer that was not streamed."""
        chunk = self._chunk(_loaded(body), "message")
        if chunk is None or chunk.finish_reason is None:
            _garbled("an answer without an end")
        return chunk

    def _chunk(self, event: Any, part: str) -> ChatChunk | None:
        if not isinstance(event, dict):
            _garbled("an event that is no object")
        choices = event.get("choices")
        if choices is None and (error := error_from_event(event, redact=self._redact)) is not None:
            raise error
        if not isinstance(choices, list):
            _garbled("an answer without choices")
        usage = read_usage(event.get("usage"))
        if not choices:
            return ChatChunk(usage=usage) if usage is not None else None
        choice = choices[0]
        if not isinstance(choice, dict):
            _garbled("a choice that is no object")
        message = choice.get(part, {})
        if not isinstance(message, dict):
            _garbled(f"a {part} that is no object")
        text = reasoning = ""
        calls: tuple[ToolCallDelta, ...] = ()
        if message.get("role") not in _SERVICE_ROLES:
            text = _text(message.get("content"))
            reasoning = _text(message.get("reasoning_content"))
            function_call = message.get("function_call")
            if function_call is not None:
                calls = (self._call(function_call, message.get("functions_state_id")),)
        native = choice.get("finish_reason")
        finish = self._finish(native) if native is not None else None
        if not (text or reasoning or calls or finish or usage):
            return None
        return ChatChunk(
            text=text,
            reasoning=reasoning,
            tool_calls=calls,
            finish_reason=finish,
            native_finish_reason=native,
            usage=usage,
        )

    def _call(self, function_call: Any, state_id: Any) -> ToolCallDelta:
        """Read a call; arguments that are no object are passed on as text, for others to judge."""
        name = function_call.get("name") if isinstance(function_call, dict) else None
        if not isinstance(name, str) or not name:
            _garbled("a function call without a name")
        arguments = function_call.get("arguments")
        if not isinstance(arguments, str):
            try:
                arguments = exact_json.dumps({} if arguments is None else arguments).decode()
            except orjson.JSONEncodeError:
                _garbled("arguments nested too deep")
        index = self._calls
        self._calls += 1
        state = state_id if isinstance(state_id, str) else None
        return ToolCallDelta(
            index=index,
            id=mint_call_id(state, self._mint_id()),
            name=self._names.from_wire(name),
            arguments=arguments,
        )

    def _finish(self, native: Any) -> FinishReason:
        if not isinstance(native, str):
            _garbled("a finish reason that is no text")
        if native == "error":
            _garbled("a function call with invalid arguments")
        self.has_finished = True
        finish = _FINISH.get(native, "stop")
        if finish == "tool_calls" and not self._calls:
            # A built-in function was called: callers loop for ever on a call that is not there.
            return "stop"
        return "tool_calls" if finish == "stop" and self._calls else finish


def _text(content: Any) -> str:
    if content is None:
        return ""
    if not isinstance(content, str):
        _garbled("content that is no text")
    return content


def _loaded(data: bytes) -> Any:
    try:
        return read_answer_json(data)
    except orjson.JSONDecodeError:
        _garbled("what is no JSON")


def _garbled(what: str) -> NoReturn:
    raise ProviderProtocolError(f"The provider sent {what}.", provider=PROVIDER, status=200)
