"""Lines of a YandexGPT answer -> ChatChunks, with the state of one completion.

Source: CompletionResponse of yandex-cloud/cloudapi (ai/foundation_models/v1). A stream is one such
object per line, each with the whole text so far and the usage so far; a plain answer is one alone.
"""

from collections.abc import Callable
from typing import Any

import orjson

from gateway.providers.chat_types import ChatChunk, FinishReason, JSONObject, ToolCallDelta
from gateway.providers.tool_names import ToolNames
from gateway.providers.yandexgpt.answers import raise_garbled, read_usage, result_of
from gateway.providers.yandexgpt.failures import Scrub
from gateway.providers.yandexgpt.growing_text import GrowingText

_PARTIAL = "ALTERNATIVE_STATUS_PARTIAL"
_FINISH: dict[str, FinishReason] = {
    "ALTERNATIVE_STATUS_UNSPECIFIED": "stop",
    "ALTERNATIVE_STATUS_FINAL": "stop",
    "ALTERNATIVE_STATUS_TRUNCATED_FINAL": "length",
    "ALTERNATIVE_STATUS_CONTENT_FILTER": "content_filter",
    "ALTERNATIVE_STATUS_TOOL_CALLS": "tool_calls",
}


class ChunkReader:
    """Reads one completion, streamed or plain. `mint_id` makes the ids that Yandex's calls lack."""

    def __init__(self, *, names: ToolNames, mint_id: Callable[[], str], scrub: Scrub) -> None:
        self.finished = False
        self._names = names
        self._mint_id = mint_id
        self._scrub = scrub
        self._text = GrowingText()
        self._calls: list[Any] = []

    def read(self, line: bytes) -> ChatChunk | None:
        """Take one line, or a plain answer; None for an empty one. After `finished` no more count.

        Raises:
            ProviderProtocolError: not what the reference promises.
            ProviderError: the line is an error, of the kind its code means.
        """
        if not line.strip():
            return None
        result = result_of(line, scrub=self._scrub)
        usage = read_usage(result.get("usage"))
        status, message = _first_alternative(result)
        self.finished = status != _PARTIAL
        self._calls = _call_list(message) or self._calls
        text, rewritten = self._text.advance(_text(message), final=self.finished)
        if not self.finished:
            return ChatChunk(text=text, usage=usage, rewritten=rewritten)
        finish, calls = self._ending(_FINISH[status])
        return ChatChunk(
            text=text,
            tool_calls=calls,
            finish_reason=finish,
            native_finish_reason=status,
            usage=usage,
            rewritten=rewritten,
        )

    def end(self) -> None:
        """Note the end of the answer. Raises ProviderProtocolError if it was cut short."""
        if not self.finished:
            raise_garbled("an answer that was cut short")

    def _ending(self, finish: FinishReason) -> tuple[FinishReason, tuple[ToolCallDelta, ...]]:
        """Settle finish reason and calls: a caller given one without the other loops for ever."""
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
    """Give status and message; there is one alternative, for none of their parameters asks more."""
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
        return orjson.dumps(arguments).decode()
    except orjson.JSONEncodeError:
        raise_garbled("arguments nested past all reason")
