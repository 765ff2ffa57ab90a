"""The turns of a conversation as GigaChat orders them.

One system message, first; content always text; a call and its result in turns of their own, one
after the other. Source: developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-chat and
guides/functions; ai-forever/gpt2giga, message_utils.py; read 2026-11.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.providers.chat_types import ChatRequest, JSONObject, Message, ToolCall
from gateway.providers.errors import UnsupportedInput
from gateway.providers.gigachat.call_ids import state_id_of
from gateway.providers.tool_names import ToolNames

Place = tuple[int, int]
"""A tool call: index of its message, index in it."""


def wire_messages(
    request: ChatRequest, names: ToolNames, attachments: Mapping[int, Sequence[str]]
) -> list[JSONObject]:
    """Write all turns; `attachments` are ids of uploaded files by the index of their message.

    A message's `name` has no place on this wire and is left out. Raises UnsupportedInput.
    """
    messages = request.messages
    results = _results_by_call(messages)
    system = [message.content for message in messages if message.role == "system"]
    wire: list[JSONObject] = []
    if any(system):
        wire.append({"role": "system", "content": "\n\n".join(filter(None, system))})
    for index, message in enumerate(messages):
        if message.images and message.role != "user":
            raise UnsupportedInput(
                "Only a user's message may bear images.", param=f"messages[{index}].content"
            )
        if message.role == "user":
            turn: JSONObject = {"role": "user", "content": message.content}
            if attachments.get(index):
                turn["attachments"] = list(attachments[index])
            wire.append(turn)
        elif message.role == "assistant" and not message.tool_calls:
            wire.append({"role": "assistant", "content": message.content})
        elif message.role == "assistant":
            wire.extend(_calls(index, message, results, names))
    return wire


def _calls(
    index: int, message: Message, results: Mapping[Place, str], names: ToolNames
) -> list[JSONObject]:
    """Unroll a turn of N calls into N pairs of call and result."""
    turns: list[JSONObject] = []
    for place, call in enumerate(message.tool_calls):
        name = names.to_wire(call.name)
        turn: JSONObject = {
            "role": "assistant",
            "content": "" if place else message.content,
            "function_call": {"name": name, "arguments": _arguments(index, place, call)},
        }
        state_id = state_id_of(call.id)
        if state_id is not None:
            turn["functions_state_id"] = state_id
        turns.append(turn)
        result = results.get((index, place))
        if result is not None:
            turns.append({"role": "function", "name": name, "content": _as_object(result)})
    return turns


def _results_by_call(messages: Sequence[Message]) -> dict[Place, str]:
    """Find for each tool result the call it answers: the latest of its id that has none yet.

    Callers' ids need not be unique: some gateways count them anew in every turn.
    """
    open_calls: dict[str, list[Place]] = {}
    results: dict[Place, str] = {}
    for index, message in enumerate(messages):
        if message.role == "assistant":
            turn: dict[str, list[Place]] = {}
            for place, call in enumerate(message.tool_calls):
                turn.setdefault(call.id, []).append((index, place))
            open_calls.update(turn)
        elif message.role == "tool":
            waiting = open_calls.get(message.tool_call_id or "")
            if not waiting:
                raise UnsupportedInput(
                    "This tool result answers no tool call before it.",
                    param=f"messages[{index}].tool_call_id",
                )
            results[waiting.pop(0)] = message.content
    return results


def _arguments(index: int, place: int, call: ToolCall) -> JSONObject:
    if not call.arguments.strip():
        return {}
    try:
        arguments: Any = orjson.loads(call.arguments)
    except orjson.JSONDecodeError:
        arguments = None
    if not isinstance(arguments, dict):
        raise UnsupportedInput(
            "The arguments of a tool call must be the JSON text of an object.",
            param=f"messages[{index}].tool_calls[{place}].function.arguments",
        )
    return arguments


def _as_object(result: str) -> str:
    """Give the JSON text of an object: the result itself if it is one, else one around it."""
    try:
        value: Any = orjson.loads(result)
    except orjson.JSONDecodeError:
        return f'{{"result": {json.dumps(result, ensure_ascii=False)}}}'
    return result if isinstance(value, dict) else f'{{"result": {result}}}'
