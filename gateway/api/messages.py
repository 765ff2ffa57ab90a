"""OpenAI's `messages` → Message values: every role, every form of content, every path named in refusals."""

import base64
import binascii
from typing import Any

from gateway.api import fields
from gateway.pipeline.errors import InvalidParameter, UnsupportedContent
from gateway.providers.chat_types import Image, Message, Role, ToolCall

MAX_MESSAGES = 2048
MAX_CONTENT_PARTS = 256
MAX_TOOL_CALLS = 128
MAX_NAME_CHARACTERS = 256
IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/tiff", "image/bmp"})

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def read_messages(source: fields.JSONObject) -> tuple[Message, ...]:
    """Read `messages`. Raises InvalidParameter, UnsupportedContent."""
    items = fields.items(source, "messages", most=MAX_MESSAGES)
    if not items:
        raise InvalidParameter("messages must hold at least one message.", param="messages")
    messages: list[Message] = []
    open_calls: dict[str, str] = {}
    for index, item in enumerate(items):
        message = _read_message(item, f"messages[{index}]", open_calls)
        for call in message.tool_calls:
            open_calls[call.id] = call.name
        messages.append(message)
    return tuple(messages)


def _read_message(item: Any, path: str, open_calls: dict[str, str]) -> Message:
    if not isinstance(item, dict):
        raise InvalidParameter(f"{path} must be an object.", param=path)
    role = item.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise InvalidParameter(
            f"{path}.role must be one of {', '.join(_ROLES)}.", param=f"{path}.role"
        )
    name = fields.text(item, "name", longest=MAX_NAME_CHARACTERS, path=f"{path}.", is_line=True)
    text, images = _read_content(item.get("content"), f"{path}.content")
    if images and role != "user":
        raise UnsupportedContent(
            f"{path}.content: only a user's message may hold pictures.", param=f"{path}.content"
        )
    match _ROLES[role]:
        case "assistant":
            calls = _read_calls(item, path)
            if text is None and not calls:
                text = fields.text(item, "refusal", longest=1_000_000, path=f"{path}.")
            if text is None and not calls:
                raise InvalidParameter(
                    f"{path} needs content or tool_calls.", param=f"{path}.content"
                )
            return Message("assistant", text or "", tool_calls=calls, name=name)
        case "tool":
            call_id = _answered_call(item, role, name, path, open_calls)
            if text is None:
                raise InvalidParameter(f"{path}.content is missing.", param=f"{path}.content")
            return Message("tool", text, tool_call_id=call_id, name=open_calls[call_id])
        case other:
            if text is None:
                raise InvalidParameter(f"{path}.content is missing.", param=f"{path}.content")
            return Message(other, text, images=images, name=name)


def _answered_call(
    item: dict[str, Any], role: str, name: str | None, path: str, open_calls: dict[str, str]
) -> str:
    """Return the id of the call that a tool's message answers: by id, by name for the deprecated role."""
    if role == "function":
        for call_id, called in reversed(open_calls.items()):
            if called == name:
                return call_id
        raise InvalidParameter(
            f"{path}.name must name a function that an earlier message calls.", param=f"{path}.name"
        )
    answered = item.get("tool_call_id")
    if not isinstance(answered, str) or answered not in open_calls:
        raise InvalidParameter(
            f"{path}.tool_call_id must be the id of a call in an earlier assistant message.",
            param=f"{path}.tool_call_id",
        )
    return answered


def _read_calls(item: dict[str, Any], path: str) -> tuple[ToolCall, ...]:
    calls = fields.items(item, "tool_calls", most=MAX_TOOL_CALLS, path=f"{path}.") or []
    read = [_read_call(call, f"{path}.tool_calls[{index}]") for index, call in enumerate(calls)]
    deprecated = fields.mapping(item, "function_call", path=f"{path}.")
    if deprecated is not None and not read:
        call_path = f"{path}.function_call"
        call_name, arguments = _read_function(deprecated, call_path)
        read.append(ToolCall(f"call_{call_name}", call_name, arguments))
    return tuple(read)


def _read_call(call: Any, path: str) -> ToolCall:
    if not isinstance(call, dict):
        raise InvalidParameter(f"{path} must be an object.", param=path)
    if call.get("type", "function") != "function":
        raise InvalidParameter(f"{path}.type must be function.", param=f"{path}.type")
    identity = fields.text(call, "id", longest=MAX_NAME_CHARACTERS, path=f"{path}.", is_line=True)
    if not identity:
        raise InvalidParameter(f"{path}.id is missing.", param=f"{path}.id")
    function = fields.mapping(call, "function", path=f"{path}.")
    if function is None:
        raise InvalidParameter(f"{path}.function is missing.", param=f"{path}.function")
    name, arguments = _read_function(function, f"{path}.function")
    return ToolCall(identity, name, arguments)


def _read_function(function: dict[str, Any], path: str) -> tuple[str, str]:
    name = fields.text(function, "name", longest=MAX_NAME_CHARACTERS, path=f"{path}.", is_line=True)
    if not name:
        raise InvalidParameter(f"{path}.name is missing.", param=f"{path}.name")
    arguments = fields.text(function, "arguments", longest=1_000_000, path=f"{path}.")
    return name, arguments or "{}"


def _read_content(content: Any, path: str) -> tuple[str | None, tuple[Image, ...]]:
    """Return the text (None where there is no content at all) and the pictures."""
    if content is None or isinstance(content, str):
        return content, ()
    if not isinstance(content, list) or len(content) > MAX_CONTENT_PARTS:
        raise InvalidParameter(
            f"{path} must be a text or a list of {MAX_CONTENT_PARTS} parts at most.", param=path
        )
    texts: list[str] = []
    images: list[Image] = []
    for index, part in enumerate(content):
        part_path = f"{path}[{index}]"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in {"text", "refusal"}:
            text = fields.text(part, kind, longest=20_000_000, path=f"{part_path}.")
            if text is None:
                raise InvalidParameter(f"{part_path}.{kind} is missing.", param=part_path)
            texts.append(text)
        elif kind == "image_url":
            images.append(_read_image(part.get("image_url"), f"{part_path}.image_url"))
        elif isinstance(kind, str) and kind in {"input_audio", "file", "video_url"}:
            raise UnsupportedContent(
                f"{part_path}: no model here takes {kind} parts; send text or pictures.",
                param=part_path,
            )
        else:
            raise InvalidParameter(
                f"{part_path}.type must be text or image_url.", param=f"{part_path}.type"
            )
    return "\n".join(texts), tuple(images)


def _read_image(source: Any, path: str) -> Image:
    url = source.get("url") if isinstance(source, dict) else source
    if not isinstance(url, str):
        raise InvalidParameter(f"{path}.url must be a text.", param=f"{path}.url")
    head, comma, payload = url.partition(",")
    if not url.startswith("data:") or not comma or not head.endswith(";base64"):
        raise UnsupportedContent(
            f"{path}.url must be a data URL (data:image/png;base64,…): "
            "pictures at other addresses are not fetched.",
            param=f"{path}.url",
        )
    mime_type = head[len("data:") : -len(";base64")].lower()
    if mime_type not in IMAGE_TYPES:
        raise UnsupportedContent(
            f"{path}.url: pictures may be {', '.join(sorted(IMAGE_TYPES))}.", param=f"{path}.url"
        )
    try:
        data = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidParameter(f"{path}.url is not valid base64.", param=f"{path}.url") from None
    if not data:
        raise InvalidParameter(f"{path}.url is empty.", param=f"{path}.url")
    return Image(data, mime_type)
