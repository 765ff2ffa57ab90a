"""ChatRequest -> the body of POST /chat/completions: pure, total and loud.

Which of the words a model honours is its profile's business; here each has its place on the wire.
Source: OpenAI's API reference, chat/create; docs.vllm.ai, serving/openai_compatible_server (the
extra parameters `top_k`, `min_p`, `repetition_penalty`); read 2026-11.
"""

import orjson

from gateway.providers.chat_types import ChatRequest, JSONObject, NamedTool, Tool
from gateway.providers.errors import UnsupportedInput
from gateway.providers.openai_compatible.conversation import wire_messages
from gateway.providers.tool_names import ToolNames

_SAMPLING = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "reasoning_effort",
)
_SCHEMA_NAME = "answer"


def tool_names(request: ChatRequest) -> ToolNames:
    """Name on the wire every tool that a request offers or remembers."""
    offered = [tool.name for tool in request.tools]
    remembered = [call.name for message in request.messages for call in message.tool_calls]
    return ToolNames([*offered, *remembered])


def payload(request: ChatRequest, *, upstream_id: str, names: ToolNames) -> JSONObject:
    """Write a request.

    `session_id` has no place on this wire: such servers find a cached prompt by its text.

    Raises:
        UnsupportedInput: what this wire, or what a chunk of ours brings back, has no place for.
    """
    _refuse_unsayable(request)
    wire: JSONObject = {
        "model": upstream_id,
        "messages": wire_messages(request, names),
        "stream": request.stream,
    }
    if request.stream:
        wire["stream_options"] = {"include_usage": True}
    for name in _SAMPLING:
        if (value := getattr(request, name)) is not None:
            wire[name] = value
    if request.stop:
        wire["stop"] = list(request.stop)
    if request.logit_bias:
        wire["logit_bias"] = dict(request.logit_bias)
    wire.update(_tool_fields(request, names))
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
    if request.n != 1:
        raise UnsupportedInput("This model gives one choice.", param="n")
    for name in ("logprobs", "top_logprobs"):
        if getattr(request, name):
            raise UnsupportedInput(f"{name} cannot be passed on from this model.", param=name)
    if request.data_collection == "deny":
        raise UnsupportedInput(
            "This model cannot be told to collect no data.", param="provider.data_collection"
        )


def _tool_fields(request: ChatRequest, names: ToolNames) -> JSONObject:
    choice = request.tool_choice
    offered = {tool.name for tool in request.tools}
    if isinstance(choice, NamedTool) and choice.name not in offered:
        raise UnsupportedInput(f"No tool {choice.name!r} is offered.", param="tool_choice")
    if not offered:
        if choice == "required":
            raise UnsupportedInput("No tool is offered.", param="tool_choice")
        # Servers refuse every word about tools where there are none.
        return {}
    fields: JSONObject = {"tools": [_tool(tool, names) for tool in request.tools]}
    if isinstance(choice, NamedTool):
        name = names.to_wire(choice.name)
        fields["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif choice is not None:
        fields["tool_choice"] = choice
    if request.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    return fields


def _tool(tool: Tool, names: ToolNames) -> JSONObject:
    function: JSONObject = {"name": names.to_wire(tool.name)}
    if tool.description:
        function["description"] = tool.description
    # Not every chat template knows what an absent schema means.
    function["parameters"] = tool.parameters or {"type": "object", "properties": {}}
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _response_format(request: ChatRequest) -> JSONObject:
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return {}
    if wanted.kind == "json_object" or wanted.schema is None:
        return {"response_format": {"type": "json_object"}}
    name = wanted.name or _SCHEMA_NAME
    schema = {
        # Names of schemas are bound by the rule for names of tools.
        "name": ToolNames([name]).to_wire(name),
        "schema": wanted.schema,
        "strict": wanted.strict,
    }
    return {"response_format": {"type": "json_schema", "json_schema": schema}}
