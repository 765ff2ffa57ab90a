"""What an OpenAI-compatible server answers, an event or a whole body -> ChatChunks.

Source: OpenAI's API reference, chat/object and chat/streaming; vLLM's entrypoints/openai; Ollama's
openai/openai.go; read 2026-11.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import orjson

from gateway.providers.chat_types import ChatChunk, FinishReason, JSONObject, ToolCallDelta
from gateway.providers.errors import ProviderProtocolError
from gateway.providers.openai_compatible.calls import CallReader
from gateway.providers.openai_compatible.events import DONE, EventLines
from gateway.providers.openai_compatible.failures import Scrub, complaint_of, refusal_of
from gateway.providers.openai_compatible.usage import read_usage
from gateway.providers.tool_names import ToolNames

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_BROKEN = ("abort", "error")
"""The server says itself that the answer is not all of it."""
_STATUS_OF_AN_ERROR = 500
"""What an error inside an answer of status 200 means where it names no status."""


class ChunkReader:
    """Reads one completion, streamed or plain. `mint_id` makes the ids that calls may lack.

    What a model thinks aloud (`reasoning`, `reasoning_content`) is not passed on.
    """

    def __init__(
        self, *, provider: str, names: ToolNames, mint_id: Callable[[], str], scrub: Scrub
    ) -> None:
        self.done = False
        self._provider = provider
        self._scrub = scrub
        self._events = EventLines()
        self._calls = CallReader(names=names, mint_id=mint_id, garbled=self._garbled)
        self._has_begun = False
        self._has_finished = False

    def line(self, line: bytes) -> ChatChunk | None:
        """Take one line of a stream; None if it says nothing. `done` is set by the last one.

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
        """Take note of the end of the stream. Raises ProviderProtocolError if it was cut.

        Behind the finish mark half an event is lost, and no answer with it.
        """
        try:
            event = self._events.end()
        except ValueError:
            if self._has_finished:
                return None
            self._garbled("what is no JSON")
        chunk = None if event is None else self._chunk(event.value, "delta")
        if self._has_finished:
            return chunk
        if not self.done or not self._has_begun:
            self._garbled("an answer without an end")
        # An orderly end, to which the server gave no reason.
        calls = self._calls.end(is_cut=False)
        return ChatChunk(
            tool_calls=calls, finish_reason="tool_calls" if len(self._calls) else "stop"
        )

    def whole(self, body: bytes) -> ChatChunk:
        """Take an answer that was not streamed. Raises as `line` does."""
        try:
            answer: Any = orjson.loads(body)
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
            self._refuse(event)
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
        said = choice.get(part)
        if said is None and part == "delta":
            said = {}
        if not isinstance(said, dict):
            self._garbled(f"a {part} that is no object")
        text = self._text(said, "content") + self._text(said, "refusal")
        calls = self._calls.take(said.get("tool_calls"))
        calls += self._calls.take_deprecated(said.get("function_call"))
        finish, native, last = self._finish(choice.get("finish_reason"))
        calls += last
        if not (text or calls or finish or usage):
            return None
        return ChatChunk(
            text=text,
            tool_calls=calls,
            finish_reason=finish,
            native_finish_reason=native,
            usage=usage,
        )

    def _finish(
        self, native: Any
    ) -> tuple[FinishReason | None, str | None, tuple[ToolCallDelta, ...]]:
        """Settle finish reason and calls: a caller given one without the other loops for ever."""
        if native is None or native == "":
            return None, None, ()
        if not isinstance(native, str):
            self._garbled("a finish reason that is no text")
        if native in _BROKEN:
            self._garbled("an answer that it broke off itself")
        self._has_finished = True
        finish = _FINISH.get(native, "stop")
        last = self._calls.end(is_cut=finish in ("length", "content_filter"))
        if finish in ("stop", "tool_calls"):
            # A named tool is called under the reason "stop".
            finish = "tool_calls" if len(self._calls) else "stop"
        return finish, native, last

    def _text(self, said: JSONObject, name: str) -> str:
        value = said.get(name)
        if not isinstance(value, str | None):
            self._garbled(f"a {name} that is no text")
        return value or ""

    def _refuse(self, event: JSONObject) -> NoReturn:
        complaint = complaint_of(event)
        raise refusal_of(
            complaint.status or _STATUS_OF_AN_ERROR,
            complaint,
            orjson.dumps(event).decode(),
            provider=self._provider,
            scrub=self._scrub,
        )

    def _garbled(self, what: str) -> NoReturn:
        raise ProviderProtocolError(
            f"The provider sent {what}.", provider=self._provider, status=200
        )
