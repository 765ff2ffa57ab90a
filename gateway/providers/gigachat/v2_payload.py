"""ChatRequest -> the body of POST /v2/chat/completions.

Source: developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-chat-v-2, guides/structured-output and
guides/reasoning; ai-forever/gigachat, models/chat_completions.py; read 2026-11.
"""

from collections.abc import Mapping, Sequence

from gateway.providers._shared.parameters import refuse_all_but
from gateway.providers._shared.schema_references import (
    SchemaUnfit,
    inline_parameters,
    inline_references,
)
from gateway.providers._shared.tool_calls import has_tools
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatRequest, JSONObject, NamedTool, Tool
from gateway.providers.errors import UnsupportedInput
from gateway.providers.gigachat.payload import NO_ATTACHMENTS, refuse_collection, sampling
from gateway.providers.gigachat.v2_conversation import wire_messages

NAME_SIGNS = "-."
"""Names of functions may hold these beside letters, digits and `_`."""
TOP_LOGPROBS_MAX = 5
_HONOURED = frozenset(
    {
        "max_tokens",
        "temperature",
        "top_p",
        "repetition_penalty",
        "reasoning_effort",
        "logprobs",
        "top_logprobs",
    }
)


def completion_payload(
    request: ChatRequest,
    *,
    upstream_id: str,
    names: ToolNames,
    attachments: Mapping[int, Sequence[str]] = NO_ATTACHMENTS,
) -> JSONObject:
    """Write a request. Raises UnsupportedInput for what GigaChat has no parameter for.

    A tool's `strict` has no place on this wire. Conversations are never stored at the provider.
    """
    refuse_all_but(_HONOURED, request)
    refuse_collection(request)
    wire: JSONObject = {
        "model": upstream_id,
        "messages": wire_messages(request, names, attachments),
        "stream": request.stream,
    }
    options = sampling(request)
    if request.max_tokens is not None:
        options["max_tokens"] = request.max_tokens
    if request.reasoning_effort is not None:
        options["reasoning"] = {"effort": request.reasoning_effort}
    if request.logprobs:
        options["top_logprobs"] = min(max(request.top_logprobs or 1, 1), TOP_LOGPROBS_MAX)
    options.update(_response_format(request))
    if has_tools(request):
        # The provider's default is one call a turn; the callers' is several.
        options["parallel_tool_calls"] = request.parallel_tool_calls is not False
        wire["tools"] = [{"functions": {"specifications": _specifications(request, names)}}]
        wire["tool_config"] = _tool_config(request, names)
    if options:
        wire["model_options"] = options
    return wire


def _specifications(request: ChatRequest, names: ToolNames) -> list[JSONObject]:
    return [_specification(index, tool, names) for index, tool in enumerate(request.tools)]


def _specification(index: int, tool: Tool, names: ToolNames) -> JSONObject:
    try:
        parameters = inline_parameters(tool.parameters)
    except SchemaUnfit as error:
        raise UnsupportedInput(str(error), param=f"tools[{index}].function.parameters") from error
    specification: JSONObject = {"name": names.to_wire(tool.name), "parameters": parameters}
    if tool.description:
        specification["description"] = tool.description
    return specification


def _tool_config(request: ChatRequest, names: ToolNames) -> JSONObject:
    choice = request.tool_choice
    if isinstance(choice, NamedTool):
        return {"mode": "forced", "function_name": names.to_wire(choice.name)}
    if choice == "required":
        return {"mode": "any"}
    return {"mode": "none" if choice == "none" else "auto"}


def _response_format(request: ChatRequest) -> JSONObject:
    """Write `response_format`; any JSON object is the schema of one, and of one that demands nothing.

    The provider refuses an empty schema. `strict` wants a list of required fields: without it the model
    may write any object.
    """
    wanted = request.response_format
    if wanted is None or wanted.kind == "text":
        return {}
    try:
        schema = inline_references(wanted.schema or {})
    except SchemaUnfit as error:
        raise UnsupportedInput(str(error), param="response_format.json_schema.schema") from error
    form: JSONObject = {"type": "json_schema", "schema": schema or {"type": "object"}}
    if wanted.strict and schema.get("required"):
        form["strict"] = True
    return {"response_format": form}
