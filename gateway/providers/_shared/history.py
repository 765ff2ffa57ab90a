"""The dialogue so far in an order that every wire takes: calls answered, results answering, arguments objects.

Clients cut dialogues between a call and its result, cancel tools, and keep what a model broke. A past turn
is nothing that a caller could mend, so it is carried in the nearest form and never refused.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

import orjson

from gateway.providers.chat_types import JSONObject, Message, ToolCall
from infra import exact_json

IndexedMessage = tuple[int, Message]
"""A message with the index of the caller's message that it comes of."""

NO_RESULT = "cancelled"
"""Stands for the result of a call that has none."""

_UNREAD = "arguments"


def carried(messages: Sequence[Message]) -> list[IndexedMessage]:
    """Return the turns, each call followed by the result that answers it, in the order of the calls.

    A call without a result gets NO_RESULT, a result without a call becomes the user's text. Ids of calls
    are unique within a turn, and not empty. Pictures that no user shows follow in a turn of the user's.
    """
    if not any(map(_needs_care, messages)):
        return list(enumerate(messages))
    answers = _answers(messages)
    taken = {index for found in answers.values() for index in found if index is not None}
    turns: list[IndexedMessage] = []
    for index, message in enumerate(messages):
        if message.role == "tool":
            if index not in taken:
                text = result_in_words(message.name or "", message.content)
                turns.append((index, Message("user", text, images=message.images)))
            continue
        if not message.tool_calls:
            turns.append((index, message._replace(images=()) if _shows(message) else message))
            turns += _pictures(index, message)
            continue
        calls = tuple(
            replace(call, id=identity)
            for call, identity in zip(message.tool_calls, _ids(message), strict=True)
        )
        turns.append((index, message._replace(tool_calls=calls, images=())))
        pictures = list(_pictures(index, message))
        for call, answer in zip(calls, answers[index], strict=True):
            content = NO_RESULT
            if answer is not None:
                content = messages[answer].content
                pictures += _pictures(answer, messages[answer])
            turns.append((index, Message("tool", content, tool_call_id=call.id, name=call.name)))
        turns += pictures
    return turns


def result_in_words(name: str, content: str) -> str:
    """Return a tool's result as text of the user."""
    return f"Result of the tool {name}:\n{content}" if name else f"Result of a tool:\n{content}"


def arguments_object(call: ToolCall) -> JSONObject:
    """Return the arguments of an earlier call as an object.

    Nothing, null and an empty list are none; raw line breaks within texts are taken; whatever else is
    no object stands whole under the one name `arguments`.
    """
    written = call.arguments
    if not written.strip():
        return {}
    value = _read(written)
    if isinstance(value, dict):
        return value
    return {} if value in (None, []) else {_UNREAD: value}


def _read(written: str) -> Any:
    """Return the value, or the text itself where it is no JSON that can be written again."""
    try:
        return exact_json.loads(written)
    except orjson.JSONDecodeError:
        pass
    try:
        value = json.loads(written, strict=False, parse_constant=_refuse)
        exact_json.dumps(value)
    except (ValueError, RecursionError, orjson.JSONEncodeError):
        return written
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _needs_care(message: Message) -> bool:
    return message.role == "tool" or bool(message.tool_calls) or _shows(message)


def _shows(message: Message) -> bool:
    return bool(message.images) and message.role != "user"


def _pictures(index: int, message: Message) -> list[IndexedMessage]:
    if not _shows(message):
        return []
    speaker = f"the tool {message.name}" if message.name else f"the {message.role}"
    return [(index, Message("user", f"Shown by {speaker}:", images=message.images))]


def _ids(message: Message) -> list[str]:
    """Return ids for the calls of one turn: their own, and new ones for empty and repeated ones."""
    own = [call.id for call in message.tool_calls]
    ids: list[str] = []
    for place, identity in enumerate(own):
        number = place
        while not identity or identity in ids or (identity != own[place] and identity in own):
            identity = f"call_{number}"
            number += len(own)
        ids.append(identity)
    return ids


def _answers(messages: Sequence[Message]) -> dict[int, list[int | None]]:
    """Return for each turn of calls the index of the message that answers each call.

    A result answers the latest call of its id that has none yet: callers' ids need not be unique, and
    some gateways count them anew in every turn.
    """
    answers: dict[int, list[int | None]] = {}
    waiting: dict[str, list[tuple[int, int]]] = {}
    for index, message in enumerate(messages):
        if message.role == "assistant" and message.tool_calls:
            answers[index] = [None] * len(message.tool_calls)
            turn: dict[str, list[tuple[int, int]]] = {}
            for place, call in enumerate(message.tool_calls):
                turn.setdefault(call.id, []).append((index, place))
            waiting |= turn
        elif message.role == "tool" and (places := _places(message, messages, waiting)):
            turn_index, place = places.pop(0)
            answers[turn_index][place] = index
    return answers


def _places(
    message: Message, messages: Sequence[Message], waiting: dict[str, list[tuple[int, int]]]
) -> list[tuple[int, int]]:
    """Return the calls that wait for this result; one without an id goes by its name, to the latest turn."""
    identity = message.tool_call_id or ""
    if identity in waiting or identity:
        return waiting.get(identity, [])
    fitting = [
        places
        for places in waiting.values()
        if places and (not message.name or _call_at(places[0], messages).name == message.name)
    ]
    return max(fitting, key=lambda places: (places[0][0], -places[0][1]), default=[])


def _call_at(place: tuple[int, int], messages: Sequence[Message]) -> ToolCall:
    return messages[place[0]].tool_calls[place[1]]
