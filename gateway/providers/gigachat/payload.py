"""ChatRequest -> the body of POST /chat/completions.

Source: developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-chat, guides/functions and
guides/structured-output; ai-forever/gigachat, models/chat.py; read 2026-11.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import orjson

from gateway.providers.chat_types import ChatRequest, JSONObject, NamedTool, Tool
from gateway.providers.errors import UnsupportedInput
from gateway.providers.gigachat.conversation import wire_messages
from gateway.providers.json_schema import SchemaUnfit, narrow_parameters
from gateway.providers.tool_names import ToolNames

RESERVED_NAMES = frozenset({"text2image", "text2model3d", "web_search"})
"""Built-in functions: a caller's own of that name would be taken for them."""
FORMATS = frozenset({"date", "date-time", "time"})
NO_ATTACHMENTS: Mapping[int, Sequence[str]] = MappingProxyType({})
_NEUTRAL_IF_FALSY = (
    "top_k",
    "min_p",
    "stop",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
)


def tool_names(request: ChatRequest) -> ToolNames:
    """Name on the wire every tool that a request offers or remembers."""
    offered = [tool.name for tool in request.tools]
    remembered = [call.name for message in request.messages for call in message.tool_calls]
    return ToolNames([*offered, *remembered], reserved=RESERVED_NAMES)


def payload(
    request: ChatRequest,
    *,
    upstream_id: str,
    names: ToolNames,
    attachments: Mapping[int, Sequence[str]] = NO_ATTACHMENTS,
) -> JSONObject:
    """Write a request. Raises UnsupportedInput for what GigaChat cannot be told.

    A tool's `strict` is no such thing: it binds the answer, not the question. `parallel_tool_calls`
    is none either, for GigaChat makes one call a turn, which either value allows.
    """
    _refuse_unsayable(request)
    wire: JSONObject = {
        "model": upstream_id,
        "messages": wire_messages(request, names, attachments),
        "stream": request.stream,
    }
    wire.update(_sampling(request))
    if request.max_tokens is not None:
        wire["max_tokens"] = request.max_tokens
    if request.reasoning_effort is not None:
        wire["reasoning_effort"] = request.reasoning_effort
    wire.update(_functions(request, names))
    wire.update(_response_format(request))
    return wire


def encoded(wire: JSONObject) -> bytes:
    """Write the bytes of a body. Raises UnsupportedInput on text that no UTF-8 can hold."""
    try:
        return orjson.dumps(wire)
    except orjson.JSONEncodeError as error:
        raise UnsupportedInput(
            f"The request cannot be written as JSON: {error}.", param="messages"
        ) from error


def _refuse_unsayable(request: ChatRequest) -> None:
    for name in _NEUTRAL_IF_FALSY:
        if getattr(request, name):
            raise UnsupportedInput(f"GigaChat has no {name}.", param=name)
    if request.seed is not None:
        raise UnsupportedInput("GigaChat has no seed.", param="seed")
    if request.n != 1:
        raise UnsupportedInput("GigaChat gives one choice.", param="n")
    if request.data_collection == "deny":
        raise UnsupportedInput(
            "GigaChat cannot be told to collect no data.", param="provider.data_collection"
        )


def _sampling(request: ChatRequest) -> JSONObject:
    wire: JSONObject = {}
    if request.temperature == 0:
        # 0 is out of GigaChat's range; the narrowest nucleus means the same.
        wire["top_p"] = 0
    else:
        if request.temperature is not None:
            wire["temperature"] = request.temperature
        if request.top_p is not None:
            wire["top_p"] = request.top_p
    if request.repetition_penalty is not None:
        wire["repetition_penalty"] = request.repetition_penalty
    return wire


def _functions(request: ChatRequest, names: ToolNames) -> JSONObject:
    choice = request.tool_choice
    offered = {tool.name for tool in request.tools}
    if isinstance(choice, NamedTool) and choice.name not in offered:
        raise UnsupportedInput(f"No tool {choice.name!r} is offered.", param="tool_choice")
    if not offered:
        if choice == "required":
            raise UnsupportedInput("No tool is offered.", param="tool_choice")
        # A function_call without functions would let the model use built-in ones.
        return {}
    wanted: str | JSONObject
    if isinstance(choice, NamedTool):
        wanted = {"name": names.to_wire(choice.name)}
    elif choice == "required" and len(offered) == 1:
        wanted = {"name": names.to_wire(request.tools[0].name)}
    else:
        wanted = "none" if choice == "none" else "auto"
    return {
        "functions": [_function(i, tool, names) for i, tool in enumerate(request.tools)],
        "function_call": wanted,
    }


def _function(index: int, tool: Tool, names: ToolNames) -> JSONObject:
    try:
        parameters = narrow_parameters(tool.parameters, formats=FORMATS)
    except SchemaUnfit as error:
        raise UnsupportedInput(str(error), param=f"tools[{index}].function.parameters") from error
    function: JSONObject = {"name": names.to_wire(tool.name), "parameters": parameters}
    if tool.description:
        function["description"] = tool.description
    return function


def _response_format(request: ChatRequest) -> JSONObject:
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return {}
    if wanted.kind == "json_object" or wanted.schema is None:
        raise UnsupportedInput("GigaChat has no json_object.", param="response_format")
    return {
        "response_format": {
            "type": "json_schema",
            "schema": wanted.schema,
            "strict": wanted.strict,
        }
    }
