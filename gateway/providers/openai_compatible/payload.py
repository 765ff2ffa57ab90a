"""ChatRequest -> the body of POST /chat/completions.

Which parameters a model honours is its profile's business; here each has its place on the wire.
Source: OpenAI's API reference, chat/create; docs.vllm.ai, serving/openai_compatible_server (the
extra parameters `top_k`, `min_p`, `repetition_penalty`); read 2026-11.
"""

from gateway.providers._shared.parameters import refuse_all_but
from gateway.providers._shared.tool_calls import has_tools, wire_function
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatRequest, JSONObject, NamedTool
from gateway.providers.errors import UnsupportedInput
from gateway.providers.openai_compatible.conversation import wire_messages

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
_HONOURED = frozenset({*_SAMPLING, "stop", "logit_bias", "logprobs", "top_logprobs"})
_SCHEMA_NAME = "answer"


def completion_payload(request: ChatRequest, *, upstream_id: str, names: ToolNames) -> JSONObject:
    """Write a request.

    `session_id` has no place on this wire: such servers find a cached prompt by its text.

    Raises:
        UnsupportedInput: this wire, or a chunk of its answer, has no place for it.
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
    if request.logprobs:
        wire["logprobs"] = True
        if request.top_logprobs is not None:
            wire["top_logprobs"] = request.top_logprobs
    if request.logit_bias:
        wire["logit_bias"] = dict(request.logit_bias)
    wire.update(_tool_fields(request, names))
    wire.update(_response_format(request))
    return wire


def _refuse_unsayable(request: ChatRequest) -> None:
    refuse_all_but(_HONOURED, request)
    if request.data_collection == "deny":
        raise UnsupportedInput(
            "This model cannot be told to collect no data.", param="provider.data_collection"
        )


def _tool_fields(request: ChatRequest, names: ToolNames) -> JSONObject:
    if not has_tools(request):
        # Servers refuse every word about tools where there are none.
        return {}
    tools = [{"type": "function", "function": wire_function(tool, names)} for tool in request.tools]
    fields: JSONObject = {"tools": tools}
    choice = request.tool_choice
    if isinstance(choice, NamedTool):
        name = names.to_wire(choice.name)
        fields["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif choice is not None:
        fields["tool_choice"] = choice
    if request.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    return fields


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
