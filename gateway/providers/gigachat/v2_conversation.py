"""The turns of a conversation in GigaChat's second chat form.

Content is a list of parts; all calls of a turn stand in one message, and so do their results. One system
message, first, and one image a message, as in the first form. Source: developers.sber.ru/docs/ru/gigachat/
api/reference/rest/post-chat-v-2; ai-forever/gigachat, models/chat_completions.py and tests/integration; read
2026-11.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.providers._shared.history import arguments_object, carried
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatRequest, JSONObject, Message
from gateway.providers.gigachat.v2_call_ids import CallReference, read_call_id
from infra import exact_json


def wire_messages(
    request: ChatRequest, names: ToolNames, attachments: Mapping[int, Sequence[str]]
) -> list[JSONObject]:
    """Write all turns; `attachments` are ids of uploaded files by the index of their message.

    A message's `name` has no place on this wire and is left out.
    """
    system = [message.content for message in request.messages if message.role == "system"]
    wire: list[JSONObject] = []
    if any(system):
        wire.append({"role": "system", "content": [{"text": "\n\n".join(filter(None, system))}]})
    turn = _Turn()
    for index, message in carried(request.messages):
        if message.role == "tool":
            turn.answer(message, names, wire)
        elif message.role == "user":
            wire += _said(message.content, attachments.get(index, ()))
        elif message.role == "assistant" and not message.tool_calls:
            wire.append({"role": "assistant", "content": [{"text": message.content}]})
        elif message.role == "assistant":
            turn = _Turn(message)
            wire.append(turn.called(names))
    return wire


def _said(content: str, file_ids: Sequence[str]) -> list[JSONObject]:
    """Write a message of the user's: one takes one image, so that each further one has its own."""
    shown: list[list[JSONObject]] = [[{"files": [{"id": file_id}]}] for file_id in file_ids]
    if content or not shown:
        text: JSONObject = {"text": content}
        shown = [[text, *(shown[0] if shown else [])], *shown[1:]]
    return [{"role": "user", "content": parts} for parts in shown]


class _Turn:
    """A turn of calls, and the ids by which its results are told apart."""

    def __init__(self, message: Message | None = None) -> None:
        self._message = message or Message("assistant")
        calls = self._message.tool_calls
        found = [read_call_id(call.id) for call in calls]
        self._state_id = next((own.state_id for own in found if own and own.state_id), None)
        self._ids = {
            call.id: _wire_id(call.id, own, is_alone=len(calls) == 1)
            for call, own in zip(calls, found, strict=True)
        }
        self._results: list[JSONObject] = []

    def called(self, names: ToolNames) -> JSONObject:
        """Write the turn itself."""
        message = self._message
        parts: list[JSONObject] = [{"text": message.content}] if message.content else []
        for call in message.tool_calls:
            body = {"name": names.to_wire(call.name), "arguments": arguments_object(call)}
            parts.append({"function_call": self._identified(call.id, body)})
        return self._stated({"role": "assistant", "content": parts})

    def answer(self, message: Message, names: ToolNames, wire: list[JSONObject]) -> None:
        """Add the result of one call; all results of the turn stand in one message."""
        if not self._results:
            wire.append(self._stated({"role": "tool", "content": self._results}))
        body = {"name": names.to_wire(message.name or ""), "result": _as_object(message.content)}
        self._results.append(
            {"function_result": self._identified(message.tool_call_id or "", body)}
        )

    def _identified(self, call_id: str, body: JSONObject) -> JSONObject:
        wire_id = self._ids.get(call_id)
        return body if wire_id is None else {"id": wire_id, **body}

    def _stated(self, message: JSONObject) -> JSONObject:
        return message if self._state_id is None else message | {"tools_state_id": self._state_id}


def _wire_id(call_id: str, own: CallReference | None, *, is_alone: bool) -> str | None:
    """Return the provider's own id of a call; where it gave none, one alone needs none."""
    if own is None:
        return call_id
    if own.id is None and not is_alone:
        return call_id
    return own.id


def _as_object(result: str) -> JSONObject:
    """Return the result if it is a JSON object, else an object that holds it."""
    try:
        value: Any = exact_json.loads(result)
    except orjson.JSONDecodeError:
        value = result
    return value if isinstance(value, dict) else {"result": value}
