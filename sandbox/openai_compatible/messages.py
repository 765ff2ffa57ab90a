"""Reading the messages of a Chat Completions body: roles, their order, their parts.

Source: OpenAI's API reference, chat/create; the chat templates that open models come with; vLLM's
chat_utils.py; November 2026.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from sandbox.core.conversation import Call, Speaker, ToolResult, Turn
from sandbox.core.fields import WrongField, as_list, as_object, as_one_of, as_text, only_known

_ROLE_FIELDS = {
    "system": ("role", "content", "name"),
    "user": ("role", "content", "name"),
    "assistant": ("role", "content", "name", "tool_calls"),
    "tool": ("role", "content", "tool_call_id"),
}
_SPEAKERS: dict[str, Speaker] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_DATA_URL = re.compile(
    r"data:(?P<type>image/(?:png|jpeg|webp|gif|bmp|tiff));base64,(?P<data>.+)", re.DOTALL
)
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class _Called:
    """Calls of the last assistant message that wait for their results, by id."""

    names: dict[str, str]
    where: str


def read_messages(value: Any, *, strict: bool) -> tuple[tuple[Turn, ...], int]:
    """Return the turns of a chat and the number of images in it. Raises WrongField.

    Results of one turn of calls make one turn of theirs.
    """
    turns: list[Turn] = []
    images = 0
    waiting = _Called({}, "")
    for index, item in enumerate(as_list(value, "messages")):
        where = f"messages[{index}]"
        message = as_object(item, where)
        role = as_one_of(message.get("role"), f"{where}.role", tuple(_ROLE_FIELDS))
        only_known(message, _ROLE_FIELDS[role], where, strict=strict)
        if role == "system" and index > 0:
            raise WrongField("System message must be at the beginning.")
        if "name" in message:
            as_text(message["name"], f"{where}.name", empty=False)
        if role == "tool":
            result = _read_result(message, waiting, where)
            follows = bool(turns and turns[-1].results)
            earlier = turns.pop().results if follows else ()
            turns.append(Turn("tool", results=(*earlier, result)))
            continue
        _check_answered(waiting)
        calls = _read_calls(message, where, strict=strict)
        waiting = _Called({identity: call.name for identity, call in calls}, where)
        text, shown = _read_content(message, role, where, strict=strict)
        images += len(shown)
        made_calls = tuple(call for _, call in calls)
        turns.append(Turn(_SPEAKERS[role], text, made_calls, files=shown))
    _check_answered(waiting)
    return tuple(turns), images


def _check_answered(waiting: _Called) -> None:
    if waiting.names:
        raise WrongField(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to "
            f"each 'tool_call_id': {', '.join(waiting.names)} of {waiting.where} has none."
        )


def _read_result(message: dict[str, Any], waiting: _Called, where: str) -> ToolResult:
    identity = as_text(message.get("tool_call_id"), f"{where}.tool_call_id", empty=False)
    content = as_text(message.get("content"), f"{where}.content")
    name = waiting.names.pop(identity, None)
    if name is None:
        raise WrongField(
            f"{where}: messages with role 'tool' must be a response to a preceding message with "
            f"'tool_calls', and {identity} is none of its calls."
        )
    return ToolResult(name, content)


def _read_calls(message: dict[str, Any], where: str, *, strict: bool) -> list[tuple[str, Call]]:
    if "tool_calls" not in message:
        return []
    listed = as_list(message["tool_calls"], f"{where}.tool_calls")
    calls = [
        _read_call(call, f"{where}.tool_calls[{index}]", strict=strict)
        for index, call in enumerate(listed)
    ]
    if len({identity for identity, _ in calls}) < len(calls):
        raise WrongField(f"{where}.tool_calls must have different ids")
    return calls


def _read_call(value: Any, where: str, *, strict: bool) -> tuple[str, Call]:
    call = as_object(value, where)
    only_known(call, ("id", "type", "function"), where, strict=strict)
    as_one_of(call.get("type"), f"{where}.type", ("function",))
    function = as_object(call.get("function"), f"{where}.function")
    only_known(function, ("name", "arguments"), f"{where}.function", strict=strict)
    name = as_text(function.get("name"), f"{where}.function.name")
    if not NAME.fullmatch(name):
        raise WrongField(f"{where}.function.name does not match {NAME.pattern}")
    written = as_text(function.get("arguments"), f"{where}.function.arguments")
    try:
        arguments = json.loads(written)
    except (ValueError, RecursionError):
        raise WrongField(f"{where}.function.arguments must be JSON") from None
    identity = as_text(call.get("id"), f"{where}.id", empty=False)
    return identity, Call(name, as_object(arguments, f"{where}.function.arguments"))


def _read_content(
    message: dict[str, Any], role: str, where: str, *, strict: bool
) -> tuple[str, tuple[str, ...]]:
    """Return the text and a description of each image."""
    content = message.get("content")
    if content is None and message.get("tool_calls"):
        return "", ()
    if isinstance(content, str):
        return content, ()
    texts: list[str] = []
    images: list[str] = []
    for index, item in enumerate(as_list(content, f"{where}.content")):
        place = f"{where}.content[{index}]"
        part = as_object(item, place)
        kinds = ("text", "image_url") if role == "user" else ("text",)
        kind = as_one_of(part.get("type"), f"{place}.type", kinds)
        only_known(part, ("type", kind), place, strict=strict)
        if kind == "text":
            texts.append(as_text(part.get("text"), f"{place}.text", empty=False))
        else:
            images.append(_read_image(part.get("image_url"), place, strict=strict))
    return "\n".join(texts), tuple(images)


def _read_image(value: Any, where: str, *, strict: bool) -> str:
    image = as_object(value, f"{where}.image_url")
    only_known(image, ("url", "detail"), f"{where}.image_url", strict=strict)
    as_one_of(image.get("detail", "auto"), f"{where}.image_url.detail", ("auto", "low", "high"))
    url = as_text(image.get("url"), f"{where}.image_url.url", empty=False)
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise WrongField(f"{where}.image_url.url must be a data URL of an image in base64")
    try:
        data = base64.b64decode(found["data"], validate=True)
    except binascii.Error:
        raise WrongField(f"{where}.image_url.url: incorrect base64") from None
    return f"{found['type']} ({len(data)} B)"
