"""The items of an answer of OpenAI's Responses API, and the events in which they come.

One item is open at a time: its first delta opens it, and the first delta of another closes it.

Source: https://platform.openai.com/docs/api-reference/responses-streaming; openai/openai-python 3.54, types.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal

from gateway.api.body import JSONObject
from gateway.api.schema.custom_tools import custom_input
from gateway.providers.chat_types import ChatChunk, ToolCallDelta
from gateway.providers.errors import ProviderProtocolError

Event = tuple[str, JSONObject]
"""The name of an event, and its fields beside `type` and `sequence_number`."""

ItemStatus = Literal["in_progress", "completed", "incomplete"]


class _Item(ABC):
    """One item of the output, as far as it has come."""

    prefix: ClassVar[str]
    delta_event: ClassVar[str]

    def __init__(self, identity: str, output_index: int) -> None:
        self.id = f"{self.prefix}_{identity}_{output_index}"
        self.place: JSONObject = {"item_id": self.id, "output_index": output_index}
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @abstractmethod
    def whole(self, status: ItemStatus) -> JSONObject:
        """Return the item as it is now."""

    @abstractmethod
    def part_opened(self) -> Iterator[Event]:
        """Yield what follows when the item was added."""

    @abstractmethod
    def part_closed(self) -> Iterator[Event]:
        """Yield what comes before the item is done."""

    def take(self, piece: str) -> Iterator[Event]:
        """Add a piece of text."""
        self._pieces.append(piece)
        yield self.delta_event, {**self.place, "delta": piece}

    def begin(self) -> Iterator[Event]:
        added = {"output_index": self.place["output_index"], "item": self.whole("in_progress")}
        yield "response.output_item.added", added
        yield from self.part_opened()

    def end(self, status: ItemStatus) -> Iterator[Event]:
        yield from self.part_closed()
        done = {"output_index": self.place["output_index"], "item": self.whole(status)}
        yield "response.output_item.done", done


class _Message(_Item):
    """What the model says."""

    prefix = "msg"
    delta_event = "response.output_text.delta"

    def __init__(self, identity: str, output_index: int) -> None:
        super().__init__(identity, output_index)
        self._of_part = {**self.place, "content_index": 0}

    def whole(self, status: ItemStatus) -> JSONObject:
        content = [] if status == "in_progress" else [self.part(self.text)]
        return {
            "id": self.id,
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": content,
        }

    def part(self, text: str) -> JSONObject:
        """Return the one part of the message."""
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def part_opened(self) -> Iterator[Event]:
        yield "response.content_part.added", {**self._of_part, "part": self.part("")}

    def take(self, piece: str) -> Iterator[Event]:
        self._pieces.append(piece)
        yield self.delta_event, {**self._of_part, "delta": piece, "logprobs": []}

    def part_closed(self) -> Iterator[Event]:
        text = self.text
        yield "response.output_text.done", {**self._of_part, "text": text, "logprobs": []}
        yield "response.content_part.done", {**self._of_part, "part": self.part(text)}


class _Refusal(_Message):
    """What the model says in place of an answer."""

    delta_event = "response.refusal.delta"

    def part(self, text: str) -> JSONObject:
        return {"type": "refusal", "refusal": text}

    def take(self, piece: str) -> Iterator[Event]:
        self._pieces.append(piece)
        yield self.delta_event, {**self._of_part, "delta": piece}

    def part_closed(self) -> Iterator[Event]:
        text = self.text
        yield "response.refusal.done", {**self._of_part, "refusal": text}
        yield "response.content_part.done", {**self._of_part, "part": self.part(text)}


class _Reasoning(_Item):
    """What the model thought."""

    prefix = "rs"
    delta_event = "response.reasoning_summary_text.delta"

    def __init__(self, identity: str, output_index: int) -> None:
        super().__init__(identity, output_index)
        self._of_part = {**self.place, "summary_index": 0}

    def whole(self, status: ItemStatus) -> JSONObject:
        summary = [] if status == "in_progress" else [_summary_text(self.text)]
        return {"id": self.id, "type": "reasoning", "status": status, "summary": summary}

    def part_opened(self) -> Iterator[Event]:
        added = {**self._of_part, "part": _summary_text("")}
        yield "response.reasoning_summary_part.added", added

    def take(self, piece: str) -> Iterator[Event]:
        self._pieces.append(piece)
        yield self.delta_event, {**self._of_part, "delta": piece}

    def part_closed(self) -> Iterator[Event]:
        text = self.text
        yield "response.reasoning_summary_text.done", {**self._of_part, "text": text}
        done = {**self._of_part, "part": _summary_text(text)}
        yield "response.reasoning_summary_part.done", done


class _ToolCallItem(_Item):
    """A call of a tool."""

    kind: ClassVar[str]
    field: ClassVar[str]

    def __init__(self, identity: str, output_index: int, call_id: str, name: str) -> None:
        super().__init__(identity, output_index)
        self._call_id = call_id
        self.name = name

    def whole(self, status: ItemStatus) -> JSONObject:
        return {
            "id": self.id,
            "type": self.kind,
            "status": status,
            "call_id": self._call_id,
            "name": self.name,
            self.field: "" if status == "in_progress" else self.given,
        }

    @property
    def given(self) -> str:
        """What the tool is given."""
        return self.text

    def part_opened(self) -> Iterator[Event]:
        yield from ()


class _FunctionCall(_ToolCallItem):
    prefix = "fc"
    kind = "function_call"
    field = "arguments"
    delta_event = "response.function_call_arguments.delta"

    def part_closed(self) -> Iterator[Event]:
        if not self._pieces:
            yield from self.take("{}")
        done = {**self.place, "name": self.name, "arguments": self.text}
        yield "response.function_call_arguments.done", done


class _CustomCall(_ToolCallItem):
    """A call of a custom tool: its text is known when the JSON around it is whole."""

    prefix = "ctc"
    kind = "custom_tool_call"
    field = "input"
    delta_event = "response.custom_tool_call_input.delta"

    @property
    def given(self) -> str:
        return custom_input(self.text)

    def take(self, piece: str) -> Iterator[Event]:
        self._pieces.append(piece)
        yield from ()

    def part_closed(self) -> Iterator[Event]:
        given = self.given
        if given:
            yield self.delta_event, {**self.place, "delta": given}
        yield "response.custom_tool_call_input.done", {**self.place, "input": given}


class OutputItems:
    """The items of one answer. `identity` makes their ids, `custom_tools` are names.

    `provider` is named when it mixes the pieces of two calls.
    """

    def __init__(self, identity: str, custom_tools: frozenset[str], provider: str) -> None:
        self._identity = identity
        self._custom_tools = custom_tools
        self._provider = provider
        self._done: list[JSONObject] = []
        self._open: _Item | None = None
        self._key: str | int | None = None
        self._ended_calls: set[str | int | None] = set()
        self._has_answer = False

    @property
    def output(self) -> list[JSONObject]:
        """All items in order; one that is open was cut."""
        if self._open is None:
            return self._done
        return [*self._done, self._open.whole("incomplete")]

    def take(self, chunk: ChatChunk) -> Iterator[Event]:
        """Yield the events of a chunk. Raises ProviderProtocolError where two calls are mixed."""
        if chunk.reasoning:
            yield from self._add("reasoning", chunk.reasoning)
        if chunk.text:
            yield from self._add("message", chunk.text)
        if chunk.refusal:
            yield from self._add("refusal", chunk.refusal)
        for call in chunk.tool_calls:
            if call.index in self._ended_calls:
                raise ProviderProtocolError(
                    "pieces of two tool calls are mixed", provider=self._provider
                )
            yield from self._add(call.index, call.arguments, call)

    def end(self, status: ItemStatus) -> Iterator[Event]:
        """Close what is open. An answer without words and calls is one empty message."""
        if not self._has_answer:
            yield from self._add("message", "")
        yield from self._close(status)

    def _add(
        self, key: str | int, piece: str, call: ToolCallDelta | None = None
    ) -> Iterator[Event]:
        """Yield the events of a piece of one item, which it may open; a call's key is its index."""
        item = self._open
        if item is None or key != self._key:
            yield from self._close("completed")
            item = self._new_item(key, call)
            self._open, self._key = item, key
            yield from item.begin()
        if piece:
            yield from item.take(piece)

    def _close(self, status: ItemStatus) -> Iterator[Event]:
        item = self._open
        if item is not None:
            yield from item.end(status)
            self._done.append(item.whole(status))
            self._ended_calls.add(self._key)
            self._open = None

    def _new_item(self, key: str | int, call: ToolCallDelta | None) -> _Item:
        place = len(self._done)
        if key == "reasoning":
            return _Reasoning(self._identity, place)
        self._has_answer = True
        if call is None:
            message = _Refusal if key == "refusal" else _Message
            return message(self._identity, place)
        name = call.name or ""
        kind = _CustomCall if name in self._custom_tools else _FunctionCall
        return kind(self._identity, place, call.id or "", name)


def _summary_text(text: str) -> JSONObject:
    return {"type": "summary_text", "text": text}
