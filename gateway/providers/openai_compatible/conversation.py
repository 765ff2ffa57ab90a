"""Messages of a ChatRequest -> `messages` of Chat Completions.

The wire is the one the request came over, so little changes. Chat templates of open models take a
system message at the very beginning alone, hence all of them become one. Source: OpenAI's API
reference, chat/create; vLLM's chat_utils.py; templates of Qwen, Gemma and Mistral; read 2026-11.
"""

import base64
import re

import orjson

from gateway.providers._shared.history import arguments_object, carried
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatRequest, Image, JSONObject, Message, ToolCall
from infra import exact_json

_NOT_IN_NAMES = re.compile(r"[\s<|\\/>]")
"""Source: OpenAI's refusal of a message's `name`, which quotes the pattern `^[^\\s<|\\\\/>]+$`."""


def wire_messages(request: ChatRequest, names: ToolNames) -> list[JSONObject]:
    """Write all turns.

    A tool's turn goes by its `tool_call_id`: its `name` says nothing more and is left out. So is the
    `name` of a system message, whose text is joined with others.
    """
    system = [message.content for message in request.messages if message.role == "system"]
    wire: list[JSONObject] = []
    if any(system):
        wire.append({"role": "system", "content": "\n\n".join(filter(None, system))})
    for _, message in carried(request.messages):
        if message.role == "assistant":
            wire.append(_assistant(message, names))
        elif message.role == "user":
            wire.append(_named({"role": "user", "content": _content(message)}, message))
        elif message.role == "tool":
            wire.append(
                {
                    "role": "tool",
                    "tool_call_id": message.tool_call_id,
                    "content": message.content,
                }
            )
    return wire


def _assistant(message: Message, names: ToolNames) -> JSONObject:
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
                    "arguments": _arguments(call),
                },
            }
            for call in message.tool_calls
        ]
    return turn


def _named(turn: JSONObject, message: Message) -> JSONObject:
    if message.name:
        turn["name"] = _NOT_IN_NAMES.sub("_", message.name)
    return turn


def _content(message: Message) -> str | list[JSONObject]:
    if not message.images:
        return message.content
    text: list[JSONObject] = [{"type": "text", "text": message.content}] if message.content else []
    return [*text, *(_picture(image) for image in message.images)]


def _picture(image: Image) -> JSONObject:
    data = base64.b64encode(image.data).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{image.mime_type};base64,{data}"}}


def _arguments(call: ToolCall) -> str:
    """Return the text as it came where it is what servers parse, an object; else one that says the same."""
    try:
        if isinstance(orjson.loads(call.arguments), dict):
            return call.arguments
    except orjson.JSONDecodeError:
        pass
    return exact_json.dumps(arguments_object(call)).decode()
