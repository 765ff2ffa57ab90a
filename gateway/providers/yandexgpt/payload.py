"""ChatRequest -> the body of a YandexGPT completion.

Source: yandex-cloud/docs, ai-studio/text-generation/api-ref/TextGeneration/completion.md and
ai-studio/concepts/generation/{function-call,structured-output}.md; yandex-cloud/cloudapi,
text_common.proto.
"""

from typing import Any

from gateway.providers._shared.parameters import refuse_all_but
from gateway.providers._shared.tool_calls import has_tools, wire_function
from gateway.providers._shared.tool_names import ToolNames
from gateway.providers.chat_types import ChatRequest, JSONObject, NamedTool
from gateway.providers.errors import UnsupportedInput
from gateway.providers.yandexgpt.conversation import may_call, wants_json, wire_messages

_HONOURED = frozenset({"max_tokens", "temperature", "reasoning_effort"})
_TOOL_MODES = {"none": "NONE", "auto": "AUTO", "required": "REQUIRED"}


def model_uri(scheme: str, folder_id: str, upstream_id: str) -> str:
    """Return the URI of a model; `scheme` is `gpt` or `emb`, `upstream_id` say `yandexgpt/latest`."""
    return f"{scheme}://{folder_id}/{upstream_id}"


def completion_payload(
    request: ChatRequest, *, folder_id: str, upstream_id: str, names: ToolNames
) -> JSONObject:
    """Write a request.

    Raises:
        UnsupportedInput: this wire has no place for a part of the request. Only a participant's
            `name` is left out in silence: no model of theirs can see it.
    """
    refuse_all_but(_HONOURED, request)
    payload: JSONObject = {
        "modelUri": model_uri("gpt", folder_id, upstream_id),
        "completionOptions": _options(request),
        "messages": wire_messages(request, names),
    }
    payload |= _tool_fields(request, names)
    return payload | _json_fields(request)


def _options(request: ChatRequest) -> dict[str, Any]:
    options: dict[str, Any] = {"stream": request.stream}
    if request.temperature is not None:
        if not 0 <= request.temperature <= 1:
            raise UnsupportedInput(
                "temperature must lie between 0 and 1 for this model.", param="temperature"
            )
        options["temperature"] = request.temperature
    if request.max_tokens is not None:
        if request.max_tokens < 1:
            raise UnsupportedInput("max_tokens must be positive.", param="max_tokens")
        options["maxTokens"] = str(request.max_tokens)  # int64 of proto3
    if request.reasoning_effort is not None:
        options["reasoningOptions"] = {"mode": "ENABLED_HIDDEN"}  # one switch, no degrees
    return options


def _json_fields(request: ChatRequest) -> JSONObject:
    """Return the native way of asking for JSON; nothing where the messages ask for it in words."""
    wanted = request.response_format
    if wanted is None or not wants_json(request) or may_call(request):
        return {}
    if wanted.kind == "json_schema" and wanted.schema is not None:
        return {"jsonSchema": {"schema": wanted.schema}}
    return {"jsonObject": True}


def _tool_fields(request: ChatRequest, names: ToolNames) -> JSONObject:
    if not has_tools(request):
        return {}
    tools = [{"function": wire_function(tool, names)} for tool in request.tools]
    fields: JSONObject = {"tools": tools}
    choice = request.tool_choice
    if isinstance(choice, NamedTool):
        fields["toolChoice"] = {"functionName": names.to_wire(choice.name)}
    elif choice is not None:
        fields["toolChoice"] = {"mode": _TOOL_MODES[choice]}
    if request.parallel_tool_calls is not None:
        fields["parallelToolCalls"] = request.parallel_tool_calls
    return fields
