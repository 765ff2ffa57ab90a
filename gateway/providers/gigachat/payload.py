"""ChatRequest -> the body of POST /chat/completions.

Source: developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-chat, guides/functions and
guides/structured-output; ai-forever/gigachat, models/chat.py; read 2026-11.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gateway.providers._shared.parameters import refuse_all_but
from gateway.providers._shared.simplify_schema import SchemaUnfit, simplify_parameters
from gateway.providers._shared.tool_calls import has_tools
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatRequest, JSONObject, NamedTool, Tool
from gateway.providers.errors import UnsupportedInput
from gateway.providers.gigachat.conversation import wire_messages

RESERVED_NAMES = frozenset({"text2image", "text2model3d", "web_search"})
"""Built-in functions: a caller's own of that name would be taken for them."""
FORMATS = frozenset({"date", "date-time", "time"})
NO_ATTACHMENTS: Mapping[int, Sequence[str]] = MappingProxyType({})
_HONOURED = frozenset(
    {"max_tokens", "temperature", "top_p", "repetition_penalty", "reasoning_effort"}
)


def completion_payload(
    request: ChatRequest,
    *,
    upstream_id: str,
    names: ToolNames,
    attachments: Mapping[int, Sequence[str]] = NO_ATTACHMENTS,
) -> JSONObject:
    """Write a request. Raises UnsupportedInput for what GigaChat has no parameter for.

    A tool's `strict` is left out, and so is `parallel_tool_calls`: GigaChat makes one call a turn,
    which either value allows.
    """
    refuse_all_but(_HONOURED, request)
    refuse_collection(request)
    wire: JSONObject = {
        "model": upstream_id,
        "messages": wire_messages(request, names, attachments),
        "stream": request.stream,
    }
    wire.update(sampling(request))
    if request.max_tokens is not None:
        wire["max_tokens"] = request.max_tokens
    if request.reasoning_effort is not None:
        wire["reasoning_effort"] = request.reasoning_effort
    wire.update(_functions(request, names))
    wire.update(_response_format(request))
    return wire


def refuse_collection(request: ChatRequest) -> None:
    """Raise UnsupportedInput where the provider must keep nothing: GigaChat has no such switch."""
    if request.data_collection == "deny":
        raise UnsupportedInput(
            "GigaChat cannot be told to collect no data.", param="provider.data_collection"
        )


def sampling(request: ChatRequest) -> JSONObject:
    """Write temperature, nucleus and repetition penalty, which both chat forms call alike."""
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
    if not has_tools(request):
        # A function_call without functions would let the model use built-in ones.
        return {}
    choice = request.tool_choice
    wanted: str | JSONObject
    if isinstance(choice, NamedTool):
        wanted = {"name": names.to_wire(choice.name)}
    elif choice == "required" and len({tool.name for tool in request.tools}) == 1:
        wanted = {"name": names.to_wire(request.tools[0].name)}
    else:
        wanted = "none" if choice == "none" else "auto"
    return {
        "functions": [_function(i, tool, names) for i, tool in enumerate(request.tools)],
        "function_call": wanted,
    }


def _function(index: int, tool: Tool, names: ToolNames) -> JSONObject:
    try:
        parameters = simplify_parameters(tool.parameters, formats=FORMATS)
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
