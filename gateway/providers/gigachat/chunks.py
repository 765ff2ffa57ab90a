"""What GigaChat answers, an event or a whole body -> ChatChunks, with the state of one completion.

A stream is lines of server-sent events without ids; deltas are increments, a function call comes
in one piece, usage unasked in the last event. Source: ai-forever/gigachat,
models/chat_completions.py and tests/integration;
developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-chat; read 2026-11.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeGuard

import orjson

from gateway.providers.chat_types import ChatChunk, FinishReason, JSONObject, ToolCallDelta, Usage
from gateway.providers.errors import ProviderProtocolError
from gateway.providers.gigachat.call_ids import mint_call_id
from gateway.providers.gigachat.failures import PROVIDER, RAW_CHARS_MAX, refusal_of
from gateway.providers.tool_names import ToolNames

TOKENS_MAX = 10**9
"""A count above it is no count."""
_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "function_call": "tool_calls",
    "blacklist": "content_filter",
}
_SERVICE_ROLES = ("function_in_progress", "search_result")
"""Built-in functions at work: nothing that the model says."""


class ChunkReader:
    """Reads one completion. `scrub` takes secrets out of the provider's own words."""

    def __init__(
        self, *, names: ToolNames, mint_id: Callable[[], str], scrub: Callable[[str], str]
    ) -> None:
        self.done = False
        self._names = names
        self._mint_id = mint_id
        self._scrub = scrub
        self._finished = False
        self._calls = 0
        self._begun_event: list[bytes] = []

    def line(self, line: bytes) -> ChatChunk | None:
        """Take one line of a stream; None if it says nothing. `done` is set by the last one.

        Raises ProviderProtocolError on garbage, or the ProviderError that an error event means.
        """
        if not line:
            return self._event_end()
        if not line.startswith(b"data:"):
            return None
        data = line[5:].strip()
        if data == b"[DONE]":
            self.done = True
            return None
        if self._begun_event:
            self._begun_event.append(data)
            return None
        try:
            event: Any = orjson.loads(data)
        except orjson.JSONDecodeError:
            # An event may go on in further data lines; its end decides.
            if data:
                self._begun_event.append(data)
            return None
        return self._chunk(event, "delta")

    def end(self) -> ChatChunk | None:
        """Take note of the end of the stream. Raises ProviderProtocolError if it was cut."""
        chunk = self._event_end()
        if not self._finished:
            _garbled("an answer without an end")
        return chunk

    def whole(self, body: bytes) -> ChatChunk:
        """Take an answer that was not streamed."""
        chunk = self._chunk(_loaded(body), "message")
        if chunk is None or chunk.finish_reason is None:
            _garbled("an answer without an end")
        return chunk

    def _event_end(self) -> ChatChunk | None:
        if not self._begun_event:
            return None
        data = b"\n".join(self._begun_event)
        self._begun_event.clear()
        return self._chunk(_loaded(data), "delta")

    def _chunk(self, event: Any, part: str) -> ChatChunk | None:
        if not isinstance(event, dict):
            _garbled("an event that is no object")
        choices = event.get("choices")
        if choices is None:
            self._refuse(event)
        if not isinstance(choices, list):
            _garbled("an answer without choices")
        usage = read_usage(event.get("usage"))
        if not choices:
            return ChatChunk(usage=usage) if usage is not None else None
        choice = choices[0]
        if not isinstance(choice, dict):
            _garbled("a choice that is no object")
        said = choice.get(part, {})
        if not isinstance(said, dict):
            _garbled(f"a {part} that is no object")
        text = reasoning = ""
        calls: tuple[ToolCallDelta, ...] = ()
        if said.get("role") not in _SERVICE_ROLES:
            text = _text(said.get("content"))
            reasoning = _text(said.get("reasoning_content"))
            function_call = said.get("function_call")
            if function_call is not None:
                calls = (self._call(function_call, said.get("functions_state_id")),)
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
        name = function_call.get("name") if isinstance(function_call, dict) else None
        if not isinstance(name, str) or not name:
            _garbled("a function call without a name")
        arguments = function_call.get("arguments")
        if isinstance(arguments, str):
            arguments = _loaded(arguments.encode("utf-8", "replace"))
        if arguments is None:
            arguments = {}
        if not isinstance(arguments, dict):
            _garbled("arguments that are no object")
        index = self._calls
        self._calls += 1
        state = state_id if isinstance(state_id, str) else None
        return ToolCallDelta(
            index=index,
            id=mint_call_id(state, self._mint_id()),
            name=self._names.from_wire(name),
            arguments=orjson.dumps(arguments).decode(),
        )

    def _finish(self, native: Any) -> FinishReason:
        if not isinstance(native, str):
            _garbled("a finish reason that is no text")
        if native == "error":
            _garbled("a function call with invalid arguments")
        self._finished = True
        finish = _FINISH.get(native, "stop")
        if finish == "tool_calls" and not self._calls:
            # A built-in function was called: callers loop for ever on a call that is not there.
            return "stop"
        return "tool_calls" if finish == "stop" and self._calls else finish

    def _refuse(self, event: JSONObject) -> None:
        """Raise what an error inside an answer of status 200 means, if the event is one."""
        status = event.get("status")
        if type(status) is int and 400 <= status < 600:
            text = self._scrub(orjson.dumps(event).decode())
            raise refusal_of(status, text[:RAW_CHARS_MAX])


def read_usage(usage: Any) -> Usage | None:
    """Read the counters; None if any is missing or cannot be true, for half a count is none.

    `precached_prompt_tokens` is part of `prompt_tokens`.
    """
    if not isinstance(usage, Mapping):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    cached = usage.get("precached_prompt_tokens")
    cached = 0 if cached is None else cached
    if not (_is_count(prompt) and _is_count(completion) and _is_count(cached)):
        return None
    return Usage(prompt, completion, cached_tokens=min(cached, prompt))


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= TOKENS_MAX


def _text(content: Any) -> str:
    if content is None:
        return ""
    if not isinstance(content, str):
        _garbled("content that is no text")
    return content


def _loaded(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        _garbled("what is no JSON")


def _garbled(what: str) -> NoReturn:
    raise ProviderProtocolError(f"The provider sent {what}.", provider=PROVIDER, status=200)
