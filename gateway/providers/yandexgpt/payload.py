"""ChatRequest -> the body of a YandexGPT completion: pure, total and loud.

Source: yandex-cloud/docs, ai-studio/text-generation/api-ref/TextGeneration/completion.md and
ai-studio/concepts/generation/{function-call,structured-output}.md; yandex-cloud/cloudapi,
text_common.proto.
"""

from typing import Any

import orjson

from gateway.providers.chat_types import ChatRequest, JSONObject, NamedTool, Tool
from gateway.providers.errors import UnsupportedInput
from gateway.providers.tool_names import ToolNames
from gateway.providers.yandexgpt.conversation import wire_messages

# What Yandex has no word for, with the value at which saying nothing means the same.
_UNSPOKEN: dict[str, object] = {
    "top_p": 1,
    "top_k": 0,
    "min_p": 0,
    "seed": None,
    "stop": (),
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "repetition_penalty": 1,
    "logit_bias": {},
    "logprobs": False,
    "top_logprobs": 0,
    "n": 1,
}
_TOOL_MODES = {"none": "NONE", "auto": "AUTO", "required": "REQUIRED"}


def model_uri(scheme: str, folder_id: str, upstream_id: str) -> str:
    """Name a model; `scheme` is `gpt` or `emb`, `upstream_id` say `yandexgpt/latest`."""
    return f"{scheme}://{folder_id}/{upstream_id}"


def completion_payload(
    request: ChatRequest, *, folder_id: str, upstream_id: str, names: ToolNames
) -> JSONObject:
    """Say `request` in Yandex's words.

    Raises:
        UnsupportedInput: a part of the request has no word there; nothing is dropped in silence but
            a participant's `name`, which no model of theirs can see.
    """
    for field, neutral in _UNSPOKEN.items():
        if (value := getattr(request, field)) is not None and value != neutral:
            raise UnsupportedInput(f"{field} is not supported by this model.", param=field)
    payload: JSONObject = {
        "modelUri": model_uri("gpt", folder_id, upstream_id),
        "completionOptions": _options(request),
        "messages": wire_messages(request, names),
    }
    payload |= _tool_fields(request, names)
    wanted = request.response_format
    if wanted is not None and wanted.kind == "json_schema" and wanted.schema is not None:
        payload["jsonSchema"] = {"schema": wanted.schema}
    elif wanted is not None and wanted.kind != "text":
        payload["jsonObject"] = True
    return payload


def encode(payload: JSONObject) -> bytes:
    """Write `payload` down.

    Raises:
        UnsupportedInput: it cannot be written as JSON (nesting past all reason, lone surrogates).
    """
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError as error:
        raise UnsupportedInput(
            f"The request cannot be written as JSON: {error}.", param="messages"
        ) from error


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


def _tool_fields(request: ChatRequest, names: ToolNames) -> JSONObject:
    choice = request.tool_choice
    offered = {tool.name for tool in request.tools}
    if isinstance(choice, NamedTool) and choice.name not in offered:
        raise UnsupportedInput(
            f"The tool {choice.name!r} is not among the tools.", param="tool_choice"
        )
    if not offered:
        if choice == "required":
            raise UnsupportedInput("tool_choice needs tools.", param="tool_choice")
        return {}
    fields: JSONObject = {"tools": [_tool(tool, names) for tool in request.tools]}
    if isinstance(choice, NamedTool):
        fields["toolChoice"] = {"functionName": names.to_wire(choice.name)}
    elif choice is not None:
        fields["toolChoice"] = {"mode": _TOOL_MODES[choice]}
    if request.parallel_tool_calls is not None:
        fields["parallelToolCalls"] = request.parallel_tool_calls
    return fields


def _tool(tool: Tool, names: ToolNames) -> JSONObject:
    function: JSONObject = {"name": names.to_wire(tool.name)}
    if tool.description:
        function["description"] = tool.description
    # An absent schema means "no parameters" at OpenAI; an empty one would mean "anything".
    function["parameters"] = tool.parameters or {"type": "object", "properties": {}}
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"function": function}
