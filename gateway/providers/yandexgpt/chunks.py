"""Lines of a YandexGPT answer -> ChatChunks.

Source: CompletionResponse of yandex-cloud/cloudapi (ai/foundation_models/v1). A stream is one such
object per line, each with the whole text so far and the usage so far; a plain answer is one alone.
"""

from collections.abc import Callable
from typing import Any

import orjson

from gateway.providers._shared.redaction import Redact
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatChunk, FinishReason, JSONObject, ToolCallDelta
from gateway.providers.yandexgpt.answers import raise_garbled, result_of
from gateway.providers.yandexgpt.cumulative_text import CumulativeText
from gateway.providers.yandexgpt.usage import read_usage
from infra import exact_json

_PARTIAL = "ALTERNATIVE_STATUS_PARTIAL"
_FINISH: dict[str, FinishReason] = {
    "ALTERNATIVE_STATUS_UNSPECIFIED": "stop",
    "ALTERNATIVE_STATUS_FINAL": "stop",
    "ALTERNATIVE_STATUS_TRUNCATED_FINAL": "length",
    "ALTERNATIVE_STATUS_CONTENT_FILTER": "content_filter",
    "ALTERNATIVE_STATUS_TOOL_CALLS": "tool_calls",
}


class YandexChunkReader:
    """Parses one completion, streamed or not. `mint_id` makes the ids that Yandex's calls lack."""

    def __init__(self, *, names: ToolNames, mint_id: Callable[[], str], redact: Redact) -> None:
        self.done = False
        self._names = names
        self._mint_id = mint_id
        self._redact = redact
        self._text = CumulativeText()
        self._calls: list[Any] = []

    @property
    def has_finished(self) -> bool:
        """Whether the finish has come, behind which nothing is read."""
        return self.done

    def line(self, line: bytes) -> ChatChunk | None:
        """Parse one line; None if the caller gets nothing of it. Lines after `done` do not count.

        Raises:
            ProviderProtocolError: not what the reference promises.
            ProviderError: the line is an error, of the kind its code means.
        """
        if not line.strip():
            return None
        result = result_of(line, redact=self._redact)
        usage = read_usage(result.get("usage"))
        status, message = _first_alternative(result)
        self.done = status != _PARTIAL
        self._calls = _call_list(message) or self._calls
        text, rewritten = self._text.advance(_text(message), final=self.done)
        if not self.done:
            chunk = ChatChunk(text=text, usage=usage, rewritten=rewritten)
            return None if chunk.is_empty else chunk
        finish, calls = self._ending(_FINISH[status])
        return ChatChunk(
            text=text,
            tool_calls=calls,
            finish_reason=finish,
            native_finish_reason=status,
            usage=usage,
            rewritten=rewritten,
        )

    def whole(self, body: bytes) -> ChatChunk:
        """Parse an answer that was not streamed. Raises as `line` does."""
        chunk = self.line(body)
        if chunk is None or not self.done:
            raise_garbled("an answer that was cut short")
        return chunk

    def end(self) -> None:
        """End the answer. Raises ProviderProtocolError if it was cut short."""
        if not self.done:
            raise_garbled("an answer that was cut short")

    def _ending(self, finish: FinishReason) -> tuple[FinishReason, tuple[ToolCallDelta, ...]]:
        """Make finish reason and calls agree: a caller given one without the other loops for ever."""
        if finish == "content_filter":
            return finish, ()
        if not self._calls:
            if finish == "tool_calls":
                raise_garbled("tool calls without a call")
            return finish, ()
        deltas = tuple(self._delta(index, call) for index, call in enumerate(self._calls))
        return ("tool_calls" if finish == "stop" else finish), deltas

    def _delta(self, index: int, call: Any) -> ToolCallDelta:
        function = call.get("functionCall") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise_garbled("a tool call without a function")
        name, arguments = function.get("name"), function.get("arguments")
        if not isinstance(name, str) or not name or not isinstance(arguments, dict | None):
            raise_garbled("a tool call of the wrong form")
        return ToolCallDelta(
            index=index,
            id=self._mint_id(),
            name=self._names.from_wire(name),
            arguments=_written(arguments or {}),
        )


def _first_alternative(result: JSONObject) -> tuple[str, JSONObject]:
    """Return status and message; there is one alternative, since no parameter asks for more."""
    alternatives = result.get("alternatives")
    if not isinstance(alternatives, list) or not alternatives:
        raise_garbled("an answer without alternatives")
    first = alternatives[0]
    if not isinstance(first, dict) or not isinstance(first.get("message"), dict):
        raise_garbled("an answer without a message")
    status = first.get("status")
    if not isinstance(status, str) or (status != _PARTIAL and status not in _FINISH):
        raise_garbled("an answer of unknown status")
    return status, first["message"]


def _text(message: JSONObject) -> str:
    text = message.get("text")
    if not isinstance(text, str | None):
        raise_garbled("a text that is no string")
    return text or ""


def _call_list(message: JSONObject) -> list[Any]:
    holder = message.get("toolCallList")
    calls = holder.get("toolCalls") if isinstance(holder, dict) else holder
    if not isinstance(calls, list | None):
        raise_garbled("tool calls of the wrong form")
    return calls or []


def _written(arguments: JSONObject) -> str:
    try:
        return exact_json.dumps(arguments).decode()
    except orjson.JSONEncodeError:
        raise_garbled("arguments nested too deep")
