"""Messages of a ChatRequest -> `messages` of Chat Completions.

The wire is the one the request came over, so little changes. Chat templates of open models take a
system message at the very beginning alone, hence all of them become one. Source: OpenAI's API
reference, chat/create; vLLM's chat_utils.py; templates of Qwen, Gemma and Mistral; read 2026-11.
"""

import base64
from typing import Any

import orjson

from gateway.providers.chat_types import ChatRequest, Image, JSONObject, Message, ToolCall
from gateway.providers.errors import UnsupportedInput
from gateway.providers.tool_names import ToolNames


def wire_messages(request: ChatRequest, names: ToolNames) -> list[JSONObject]:
    """Write all turns.

    A tool's turn goes by its `tool_call_id`: its `name` says nothing more and is left out. So is the
    `name` of a system message, whose text is joined with others.

    Raises:
        UnsupportedInput: an image that no user shows, a call whose arguments are no object, or a
            result of no call.
    """
    system = [message.content for message in request.messages if message.role == "system"]
    wire: list[JSONObject] = []
    if any(system):
        wire.append({"role": "system", "content": "\n\n".join(filter(None, system))})
    called: set[str] = set()
    for index, message in enumerate(request.messages):
        if message.images and message.role != "user":
            raise UnsupportedInput(
                "Only a user's message may bear images.", param=f"messages[{index}].content"
            )
        if message.role == "assistant":
            called.update(call.id for call in message.tool_calls)
            wire.append(_assistant(index, message, names))
        elif message.role == "user":
            wire.append(_named({"role": "user", "content": _content(message)}, message))
        elif message.role == "tool":
            wire.append(_result(index, message, called))
    return wire


def _assistant(index: int, message: Message, names: ToolNames) -> JSONObject:
    turn = _named({"role": "assistant", "content": message.content}, message)
    if message.tool_calls:
        # Beside a call, no words are written as null by OpenAI's own server.
        turn["content"] = message.content or None
        turn["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {
                    "name": names.to_wire(call.name),
                    "arguments": _arguments(index, place, call),
                },
            }
            for place, call in enumerate(message.tool_calls)
        ]
    return turn


def _result(index: int, message: Message, called: set[str]) -> JSONObject:
    if message.tool_call_id not in called:
        raise UnsupportedInput(
            "This tool result answers no tool call before it.",
            param=f"messages[{index}].tool_call_id",
        )
    return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}


def _named(turn: JSONObject, message: Message) -> JSONObject:
    if message.name:
        turn["name"] = message.name
    return turn


def _content(message: Message) -> str | list[JSONObject]:
    if not message.images:
        return message.content
    text: list[JSONObject] = [{"type": "text", "text": message.content}] if message.content else []
    return [*text, *(_picture(image) for image in message.images)]


def _picture(image: Image) -> JSONObject:
    data = base64.b64encode(image.data).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{image.mime_type};base64,{data}"}}


def _arguments(index: int, place: int, call: ToolCall) -> str:
    """Give the text of the arguments: servers parse it, and break on what is no object."""
    if not call.arguments.strip():
        return "{}"
    try:
        value: Any = orjson.loads(call.arguments)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise UnsupportedInput(
            "The arguments of a tool call must be the JSON text of an object.",
            param=f"messages[{index}].tool_calls[{place}].function.arguments",
        )
    return call.arguments
