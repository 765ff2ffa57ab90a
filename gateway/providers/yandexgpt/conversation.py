"""Messages of a ChatRequest -> `messages` of a YandexGPT body.

Source: yandex-cloud/docs, ai-studio/operations/generation/function-call.md; Message of
text_common.proto: `role` and exactly one of `text`, `toolCallList`, `toolResultList`.
"""

import json

from gateway.providers._shared.history import arguments_object, carried
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatRequest, JSONObject, Message
from gateway.providers.errors import UnsupportedInput

_JSON_REMINDER = "Отвечай только в формате JSON."
_JSON_BESIDE_CALLS = "Если не вызываешь функцию, отвечай только в формате JSON"


def wire_messages(request: ChatRequest, names: ToolNames) -> list[JSONObject]:
    """Write all turns.

    All system messages become one, at the front; blank messages are left out, for Yandex refuses
    them; a turn with text and calls becomes two; the results of a turn become one `user` message.
    Where JSON is asked for and no message speaks of it, the system message does: without that the
    model may emit white space up to its limit. Beside tools it is asked for in words alone.

    Raises UnsupportedInput for an image, or where there is nothing to say at all.
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
    for _, message in carried(request.messages):
        if message.role != "system":
            turns.add(message)
    wire = turns.finish()
    if not wire and not system:
        raise UnsupportedInput("Every message is empty.", param="messages")
    system += _json_words(request)
    if system:
        wire.insert(0, {"role": "system", "text": "\n\n".join(system)})
    return wire


def wants_json(request: ChatRequest) -> bool:
    """Say whether the answer is to be JSON."""
    return request.response_format is not None and request.response_format.kind != "text"


def may_call(request: ChatRequest) -> bool:
    """Say whether the answer may be a call: `jsonObject` and `jsonSchema` would suppress it."""
    return bool(request.tools) and request.tool_choice != "none"


def _json_words(request: ChatRequest) -> list[str]:
    wanted = request.response_format
    if wanted is None or not wants_json(request):
        return []
    if not may_call(request):
        is_said = any("json" in message.content.lower() for message in request.messages)
        return [] if is_said else [_JSON_REMINDER]
    if wanted.schema is None:
        return [f"{_JSON_BESIDE_CALLS}."]
    schema = json.dumps(wanted.schema, ensure_ascii=False)
    return [f"{_JSON_BESIDE_CALLS} по этой JSON Schema:\n{schema}"]


class _Turns:
    """Builds the turns one by one, and joins the results of one turn in one message."""

    def __init__(self, names: ToolNames) -> None:
        self._names = names
        self._wire: list[JSONObject] = []
        self._results: list[JSONObject] = []

    def add(self, message: Message) -> None:
        if message.role == "tool":
            self._results.append(self._result(message))
            return
        if not message.content.strip() and not message.tool_calls:
            return
        self._close_results()
        if message.content.strip():
            self._wire.append({"role": message.role, "text": message.content})
        if message.tool_calls:
            self._wire.append(
                {"role": "assistant", "toolCallList": {"toolCalls": self._call_list(message)}}
            )

    def finish(self) -> list[JSONObject]:
        self._close_results()
        return self._wire

    def _call_list(self, message: Message) -> list[JSONObject]:
        return [
            {
                "functionCall": {
                    "name": self._names.to_wire(call.name),
                    "arguments": arguments_object(call),
                }
            }
            for call in message.tool_calls
        ]

    def _result(self, message: Message) -> JSONObject:
        name = self._names.to_wire(message.name or "")
        return {"functionResult": {"name": name, "content": message.content}}

    def _close_results(self) -> None:
        """Send the open results, which stand in the order of their calls: Yandex has no call ids."""
        if self._results:
            self._wire.append({"role": "user", "toolResultList": {"toolResults": self._results}})
            self._results = []
