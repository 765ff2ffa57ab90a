"""Messages of a ChatRequest -> `messages` of a YandexGPT body: turns, their calls, their results.

Source: yandex-cloud/docs, ai-studio/operations/generation/function-call.md; Message of
text_common.proto: `role` and exactly one of `text`, `toolCallList`, `toolResultList`.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from gateway.providers.chat_types import ChatRequest, JSONObject, Message
from gateway.providers.errors import UnsupportedInput
from gateway.providers.tool_names import ToolNames

_JSON_REMINDER = "Отвечай только в формате JSON."


def tool_names(request: ChatRequest) -> ToolNames:
    """Gather every tool that `request` speaks of, offered now or called in an earlier turn."""
    offered = [tool.name for tool in request.tools]
    called = [call.name for message in request.messages for call in message.tool_calls]
    answered = [
        message.name for message in request.messages if message.role == "tool" and message.name
    ]
    return ToolNames([*offered, *called, *answered])


def wire_messages(request: ChatRequest, names: ToolNames) -> list[JSONObject]:
    """Say the conversation in Yandex's words.

    All system messages become one, at the front; blank messages are left out, for Yandex refuses
    them; a turn with text and calls becomes two; the results of a turn become one `user` message.
    Where JSON is asked for and no message speaks of it, the system message does: without that the
    model may emit white space up to its limit.

    Raises:
        UnsupportedInput: an image, a call whose arguments are no object, a result of no call, or
            nothing to say at all.
    """
    system = [
        message.content
        for message in request.messages
        if message.role == "system" and message.content.strip()
    ]
    turns = _Turns(names)
    for index, message in enumerate(request.messages):
        if message.images:
            raise UnsupportedInput(
                "This model takes no images.", param=f"messages[{index}].content"
            )
        if message.role != "system":
            turns.add(index, message)
    wire = turns.finish()
    if not wire and not system:
        raise UnsupportedInput("Every message is empty.", param="messages")
    if _wants_json(request) and not any(
        "json" in message.content.lower() for message in request.messages
    ):
        system.append(_JSON_REMINDER)
    if system:
        wire.insert(0, {"role": "system", "text": "\n\n".join(system)})
    return wire


def _wants_json(request: ChatRequest) -> bool:
    return request.response_format is not None and request.response_format.kind != "text"


@dataclass(frozen=True, slots=True)
class _Result:
    """One tool result and the place of its call in the turn it answers."""

    place: int
    entry: JSONObject


class _Turns:
    """Builds the turns one by one, keeping open the results that share a message."""

    def __init__(self, names: ToolNames) -> None:
        self._names = names
        self._wire: list[JSONObject] = []
        self._results: list[_Result] = []
        self._calls: dict[str, tuple[int, str]] = {}

    def add(self, index: int, message: Message) -> None:
        if message.role == "tool":
            self._results.append(self._result(index, message))
            return
        if not message.content.strip() and not message.tool_calls:
            return
        self._close_results()
        if message.content.strip():
            self._wire.append({"role": message.role, "text": message.content})
        if message.tool_calls:
            self._wire.append(
                {
                    "role": "assistant",
                    "toolCallList": {"toolCalls": self._call_list(index, message)},
                }
            )

    def finish(self) -> list[JSONObject]:
        self._close_results()
        return self._wire

    def _call_list(self, index: int, message: Message) -> list[JSONObject]:
        calls = []
        for place, call in enumerate(message.tool_calls):
            self._calls[call.id] = (place, call.name)  # a later turn may use an id again
            arguments = _object(
                call.arguments, param=f"messages[{index}].tool_calls[{place}].function.arguments"
            )
            calls.append(
                {"functionCall": {"name": self._names.to_wire(call.name), "arguments": arguments}}
            )
        return calls

    def _result(self, index: int, message: Message) -> _Result:
        if message.tool_call_id in self._calls:
            place, name = self._calls[message.tool_call_id]
        elif message.tool_call_id is None and message.name:
            place, name = len(self._results), message.name
        else:
            raise UnsupportedInput(
                "This tool result answers no tool call before it.",
                param=f"messages[{index}].tool_call_id",
            )
        entry = {"functionResult": {"name": self._names.to_wire(name), "content": message.content}}
        return _Result(place, entry)

    def _close_results(self) -> None:
        """Send the open results in the order of their calls: to Yandex, order is what ids are."""
        if self._results:
            ordered = sorted(self._results, key=lambda result: result.place)
            entries = [result.entry for result in ordered]
            self._wire.append({"role": "user", "toolResultList": {"toolResults": entries}})
            self._results = []


def _object(text: str, *, param: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise UnsupportedInput("The arguments of a tool call must be a JSON object.", param=param)
    return value
