"""The turns of a conversation as GigaChat orders them.

One system message, first; content always text; one image a turn; a call and its result in turns of
their own, one after the other. Source: developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-chat and
guides/functions; ai-forever/gpt2giga, message_utils.py; read 2026-11.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.providers._shared.history import arguments_object, carried
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatRequest, JSONObject, Message
from gateway.providers.gigachat.call_ids import state_id_of


def wire_messages(
    request: ChatRequest, names: ToolNames, attachments: Mapping[int, Sequence[str]]
) -> list[JSONObject]:
    """Write all turns; `attachments` are ids of uploaded files by the index of their message.

    A message's `name` has no place on this wire and is left out.
    """
    system = [message.content for message in request.messages if message.role == "system"]
    wire: list[JSONObject] = []
    if any(system):
        wire.append({"role": "system", "content": "\n\n".join(filter(None, system))})
    calls: list[JSONObject] = []
    for index, message in carried(request.messages):
        if message.role == "user":
            wire += _said(message.content, attachments.get(index, ()))
        elif message.role == "tool":
            call = calls.pop(0)
            result: JSONObject = {"role": "function", "name": call["function_call"]["name"]}
            wire += [call, result | {"content": _as_object(message.content)}]
        elif message.role == "assistant" and not message.tool_calls:
            wire.append({"role": "assistant", "content": message.content})
        elif message.role == "assistant":
            calls = _calls(message, names)
    return wire


def _said(content: str, file_ids: Sequence[str]) -> list[JSONObject]:
    """Write a turn of the user's: a turn takes one image, so that each further one has its own."""
    turns: list[JSONObject] = [{"role": "user", "content": ""} for _ in file_ids[1:]]
    turns.insert(0, {"role": "user", "content": content})
    for turn, file_id in zip(turns, file_ids, strict=False):
        turn["attachments"] = [file_id]
    return turns


def _calls(message: Message, names: ToolNames) -> list[JSONObject]:
    """Unroll a turn of N calls into N turns of one call, each to be followed by its result."""
    turns: list[JSONObject] = []
    for place, call in enumerate(message.tool_calls):
        turn: JSONObject = {
            "role": "assistant",
            "content": "" if place else message.content,
            "function_call": {
                "name": names.to_wire(call.name),
                "arguments": arguments_object(call),
            },
        }
        state_id = state_id_of(call.id)
        if state_id is not None:
            turn["functions_state_id"] = state_id
        turns.append(turn)
    return turns


def _as_object(result: str) -> str:
    """Return the JSON text of an object: the result if it is one, else an object that holds it."""
    try:
        value: Any = orjson.loads(result)
    except orjson.JSONDecodeError:
        return f'{{"result": {json.dumps(result, ensure_ascii=False)}}}'
    return result if isinstance(value, dict) else f'{{"result": {result}}}'
