"""Events or the whole body of an answer in GigaChat's second chat form -> ChatChunks.

Named events without a `[DONE]`; text deltas are increments, calls come whole with the last event, though
other clients have met them in deltas too. Several messages of an answer are pieces of one. Source:
developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-chat-v-2; ai-forever/gigachat,
models/chat_completions.py and tests/integration; langchain-gigachat; read 2026-11.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import orjson

from gateway.providers._shared.answer_json import read_answer_json
from gateway.providers._shared.error_responses import event_text
from gateway.providers._shared.logprobs import read_logprob
from gateway.providers._shared.redaction import Redact
from gateway.providers._shared.server_sent_events import DONE, EventLines, ServerSentEvent
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatChunk, FinishReason, JSONObject, TokenLogprob
from gateway.providers.errors import ProviderProtocolError, ProviderUnavailable
from gateway.providers.gigachat.failures import PROVIDER, error_from_event
from gateway.providers.gigachat.usage import read_v2_usage
from gateway.providers.gigachat.v2_calls import V2CallReader

_DELTA, _DONE = "response.message.delta", "response.message.done"
_ERROR = "response.error"
_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "function_call": "tool_calls",
    "blacklist": "content_filter",
    "request_blacklist": "content_filter",
    "request_whitelist": "content_filter",
    "request_filter": "content_filter",
    "response_blacklist": "content_filter",
}
_BROKEN = ("error", "function_call_error")
_SPEAKER, _THINKER = "assistant", "reasoning"

log = logging.getLogger(__name__)


class GigaChatV2ChunkReader:
    """Parses one completion, streamed or not."""

    def __init__(self, *, names: ToolNames, mint_id: Callable[[], str], redact: Redact) -> None:
        self.done = False
        self._redact = redact
        self._events = EventLines()
        self._calls = V2CallReader(names=names, mint_id=mint_id, garbled=_garbled)
        self.has_finished = False
        self._has_spoken = self._has_thought = False

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
        return None if event is None else self._event(event)

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
        chunk = None if event is None else self._event(event)
        if not self.has_finished:
            _garbled("an answer without an end")
        return chunk

    def whole(self, body: bytes) -> ChatChunk:
        """Parse an answer that was not streamed."""
        try:
            answer: Any = read_answer_json(body)
        except orjson.JSONDecodeError:
            _garbled("what is no JSON")
        if not isinstance(answer, dict):
            _garbled("an event that is no object")
        if "messages" not in answer:
            self._raise_error(answer, is_error=False)
        if not isinstance(answer.get("messages"), list):
            _garbled("an answer without messages")
        return self._last(answer)

    def _event(self, event: ServerSentEvent) -> ChatChunk | None:
        data = event.value
        if not isinstance(data, dict):
            _garbled("an event that is no object")
        named = data.get("event")
        name = event.name or (named if isinstance(named, str) else "")
        if name == _ERROR or "messages" not in data:
            self._raise_error(data, is_error=name == _ERROR)
        if name == _DONE or (not name and _finish_reason(data) is not None):
            self.done = True
            return self._last(data)
        if name and name != _DELTA:
            log.debug("An event of GigaChat was passed over: %s", name)
            return None
        if not isinstance(data.get("messages"), list):
            _garbled("an answer without messages")
        text, reasoning = self._read(data)
        if not (text or reasoning):
            return None
        return ChatChunk(text=text, reasoning=reasoning, logprobs=_logprobs(data))

    def _raise_error(self, data: JSONObject, *, is_error: bool) -> None:
        """Raise the error that an event means, if it does."""
        if (error := error_from_event(data, redact=self._redact)) is not None:
            raise error
        if is_error:
            raise ProviderUnavailable(
                "The provider broke its answer off.",
                provider=PROVIDER,
                raw=self._redact(event_text(data)),
            )

    def _last(self, data: JSONObject) -> ChatChunk:
        """Read the event that ends an answer; what it repeats of earlier ones is not said again."""
        native = _finish_reason(data)
        if not isinstance(native, str):
            _garbled("an answer without an end")
        has_spoken, has_thought = self._has_spoken, self._has_thought
        text, reasoning = self._read(data)
        if native in _BROKEN:
            _garbled("a function call with invalid arguments")
        calls = self._calls.end()
        finish = _FINISH.get(native, "stop")
        if finish == "tool_calls" and not calls:
            # A built-in function was called: callers loop for ever on a call that is not there.
            finish = "stop"
        elif finish == "stop" and calls:
            finish = "tool_calls"
        self.has_finished = True
        return ChatChunk(
            text="" if has_spoken else text,
            reasoning="" if has_thought else reasoning,
            tool_calls=calls,
            finish_reason=finish,
            native_finish_reason=native,
            usage=read_v2_usage(data.get("usage")),
            logprobs=() if has_spoken else _logprobs(data),
        )

    def _read(self, data: JSONObject) -> tuple[str, str]:
        """Return the new text and reasoning of an event, and keep its calls."""
        texts: list[str] = []
        thoughts: list[str] = []
        for message in _objects(data.get("messages"), "messages"):
            role = message.get("role", _SPEAKER)
            if role not in (_SPEAKER, _THINKER):
                continue
            said = thoughts if role == _THINKER else texts
            content = message.get("content")
            if isinstance(content, str):
                said.append(content)
                content = None
            parts = list(_objects(content, "content"))
            said += [_text(part.get("text")) for part in parts]
            if role == _SPEAKER:
                self._calls.take(message, parts)
        text, reasoning = "".join(texts), "".join(thoughts)
        self._has_spoken |= bool(text)
        self._has_thought |= bool(reasoning)
        return text, reasoning


def _logprobs(data: JSONObject) -> tuple[TokenLogprob, ...]:
    """Read `[{"chosen", "top"}]`, which stands in parts, in messages or on top."""
    holders = [data]
    for message in _objects(data.get("messages"), "messages"):
        holders.append(message)
        if isinstance(content := message.get("content"), list):
            holders += [part for part in content if isinstance(part, dict)]
    found = [
        read_logprob(item.get("chosen"), item.get("top"))
        for holder in holders
        if isinstance(holder.get("logprobs"), list)
        for item in holder["logprobs"]
        if isinstance(item, dict)
    ]
    return tuple(item for item in found if item is not None)


def _finish_reason(data: JSONObject) -> Any:
    """Return the finish reason, which stands on top or in a message."""
    if data.get("finish_reason") is not None:
        return data["finish_reason"]
    messages = data.get("messages")
    found = [
        message["finish_reason"]
        for message in (messages if isinstance(messages, list) else [])
        if isinstance(message, dict) and message.get("finish_reason") is not None
    ]
    return found[-1] if found else None


def _objects(value: Any, what: str) -> Iterator[JSONObject]:
    if value is None:
        return
    if not isinstance(value, list):
        _garbled(f"{what} that are no list")
    for item in value:
        if not isinstance(item, dict):
            _garbled(f"{what} that hold no objects")
        yield item


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        _garbled("content that is no text")
    return value


def _garbled(what: str) -> NoReturn:
    raise ProviderProtocolError(f"The provider sent {what}.", provider=PROVIDER, status=200)
