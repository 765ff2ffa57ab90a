"""What the body of Anthropic's Messages API may say, and the CompletionRequest made of it.

Source: https://docs.anthropic.com/en/api/messages; anthropics/anthropic-sdk-python 2.14, types.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field

from gateway.api.schema.anthropic_content import (
    CacheControl,
    SystemContent,
    Turns,
    read_dialogue,
)
from gateway.api.schema.chat_request import (
    MAX_MODEL_CHARACTERS,
    MAX_MODELS,
    MAX_STOP_CHARACTERS,
    NEAREST_EFFORT,
    Fraction,
    Tokens,
    TransformsType,
)
from gateway.api.schema.fields import (
    Boolean,
    ChoiceType,
    ItemsType,
    JSONObject,
    LineType,
    NumberType,
    StoredType,
    TextsType,
    TextType,
    WholeType,
    about,
    optional,
)
from gateway.api.schema.messages import MAX_TEXT_CHARACTERS
from gateway.api.schema.parsing import Body, parse, unknown_paths
from gateway.api.schema.preferences import (
    ProviderPreferences,
    is_collection_denied,
    read_preferences,
)
from gateway.api.schema.tools import (
    MAX_NAME_CHARACTERS,
    MAX_TOOLS,
    MAX_TOOLS_BYTES,
    CallerSchema,
)
from gateway.pipeline.emulation.schema_validation import (
    check_parameters,
    check_satisfiable,
    check_schema,
    unchecked,
)
from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.request import CallerNotes, CompletionRequest
from gateway.providers.chat_types import (
    ChatRequest,
    NamedTool,
    ReasoningEffort,
    ResponseFormat,
    Tool,
    ToolChoice,
)

MAX_STOP_SEQUENCES = 64
MAX_NOTED_CHARACTERS = 256
MEDIUM_BUDGET_TOKENS = 4096
HIGH_BUDGET_TOKENS = 16_384

Effort = Literal["low", "medium", "high", "xhigh", "max"]
ThinkingKind = Literal["enabled", "adaptive", "between_tools", "disabled"]
ChoiceKind = Literal["auto", "any", "tool", "none"]

_CHOICES: Mapping[str, ToolChoice] = {"auto": "auto", "any": "required", "none": "none"}
_NAMES = {
    "stop": "stop_sequences",
    "response_format": "output_config.format",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
}


class AnthropicTool(Body):
    """A function that the model may call. A tool of Anthropic's servers is dropped and named."""

    type: Annotated[str, TextType(MAX_NAME_CHARACTERS)] | None = optional(
        "Absent, or `custom`: any other is a tool of Anthropic's servers."
    )
    name: Annotated[str, LineType(MAX_NAME_CHARACTERS)] | None = optional(
        "Each name may stand once."
    )
    description: Annotated[str, TextType(MAX_TOOLS_BYTES)] | None = optional(
        "What the function does, for the model."
    )
    input_schema: CallerSchema | None = optional("JSON Schema of the arguments.")
    strict: Boolean | None = optional("Hold the arguments to the schema.")
    cache_control: CacheControl = optional("Passed over.")

    @property
    def is_of_a_server(self) -> bool:
        return self.type not in (None, "custom")


class ToolChoiceObject(Body):
    """Whether the model must (`any`), may or must not call a tool, or which one it must."""

    type: Annotated[ChoiceKind, ChoiceType(get_args(ChoiceKind))]
    name: Annotated[str, TextType(MAX_NAME_CHARACTERS)] | None = optional("One of the tools.")
    disable_parallel_tool_use: Boolean | None = optional("One call a turn at most.")


class ThinkingOptions(Body):
    """Whether the model thinks first, where it can."""

    type: Annotated[ThinkingKind, ChoiceType(get_args(ThinkingKind))]
    budget_tokens: Tokens | None = optional(
        f"Below {MEDIUM_BUDGET_TOKENS} means a low effort, from {HIGH_BUDGET_TOKENS} on a high one."
    )
    display: Annotated[Literal["summarized", "omitted"], ChoiceType(("summarized", "omitted"))] | (
        None
    ) = optional("`omitted`: what the model thought is not given.")


class OutputFormat(Body):
    type: Annotated[Literal["json_schema"], ChoiceType(("json_schema",))]
    schema_: CallerSchema = Field(alias="schema", description="JSON Schema of the answer.")


class OutputConfig(Body):
    effort: Annotated[Effort, ChoiceType(get_args(Effort))] | None = optional(
        "How much the model thinks, where it can; `xhigh` and `max` mean the highest it has."
    )
    format: OutputFormat | None = None


class CallerMetadata(Body):
    user_id: Annotated[str, TextType(MAX_TEXT_CHARACTERS)] | None = optional(
        "Names the dialogue, which keeps the provider's cache of it warm."
    )


class MessageCountRequest(Body):
    """A field that is not listed here is ignored."""

    NO_OP_VALUES: ClassVar[Mapping[str, Any]] = {
        "service_tier": "auto",
        "speed": "standard",
        "context_management": {},
        "mcp_servers": [],
        "betas": [],
    }

    model: Annotated[str, TextType(MAX_MODEL_CHARACTERS, fewest=1)] = about(
        "The model to ask, by its id or another name of it."
    )
    messages: Turns = about("The dialogue so far.")
    system: SystemContent | None = optional("Instructions: a text, or blocks of text.")
    tools: (
        Annotated[list[AnthropicTool], ItemsType(MAX_TOOLS, most_bytes=MAX_TOOLS_BYTES)] | None
    ) = optional(f"What the model may call; {MAX_TOOLS_BYTES} bytes of JSON at most.")
    tool_choice: ToolChoiceObject | None = None
    thinking: ThinkingOptions | None = None
    output_config: OutputConfig | None = None
    cache_control: CacheControl = optional("Passed over: providers cache by themselves.")
    thread: Annotated[str, StoredType("Send the whole dialogue in messages.")] | None = optional(
        "Must be absent: tool runners of Anthropic's SDKs go on without it."
    )


class MessagesRequest(MessageCountRequest):
    """A parameter that the model does not honour, and a field that is not listed here, is ignored and named
    in `X-XRouter-Adapted`.
    """

    max_tokens: Tokens = about("The most tokens of the answer.")
    stream: Boolean | None = optional("Answer as server-sent events.", default=False)
    stop_sequences: (
        Annotated[tuple[str, ...], TextsType(MAX_STOP_SEQUENCES, MAX_STOP_CHARACTERS)] | None
    ) = optional("Texts at which the answer ends; they are not part of it.")
    temperature: Annotated[float, NumberType(0, 1)] | None = None
    top_p: Fraction | None = None
    top_k: Annotated[int, WholeType(0, 1_000_000)] | None = None
    metadata: CallerMetadata | None = None
    models: Annotated[tuple[str, ...], TextsType(MAX_MODELS, MAX_MODEL_CHARACTERS)] | None = (
        optional("Models to ask in turn after `model`; not Anthropic's.")
    )
    provider: ProviderPreferences | None = optional("As in a chat; not Anthropic's.")
    transforms: Annotated[list[str], TransformsType()] | None = optional(
        "As in a chat; not Anthropic's."
    )


def read_messages_request(
    body: JSONObject, *, is_strict: bool
) -> tuple[CompletionRequest, MessagesRequest]:
    """Read a body of `/v1/messages`. Raises InvalidParameter, UnsupportedContent."""
    asked = parse(MessagesRequest, body)
    dialogue = read_dialogue(asked.system, asked.messages)
    user_id = (asked.metadata and asked.metadata.user_id) or None
    request = ChatRequest(
        dialogue.messages,
        **_prompt(asked),
        stream=asked.stream is True,
        max_tokens=asked.max_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k,
        stop=asked.stop_sequences or (),
        data_collection="deny" if is_collection_denied(asked.provider) else "allow",
        session_id=user_id,
    )
    fields_by_model = {asked.model: "model"}
    for index, name in enumerate(asked.models or ()):
        fields_by_model.setdefault(name, f"models[{index}]")
    completion_request = CompletionRequest(
        request=request,
        models=tuple(fields_by_model),
        model_fields=tuple(fields_by_model.values()),
        preferences=read_preferences(asked.provider),
        is_strict=is_strict,
        is_middle_out=bool(asked.transforms),
        ignored=tuple(_ignored(asked)),
        names=_names(asked) | dialogue.names,
        notes=CallerNotes(user=user_id and user_id[:MAX_NOTED_CHARACTERS]),
    )
    return completion_request, asked


def read_count_request(body: JSONObject) -> CompletionRequest:
    """Read a body of `/v1/messages/count_tokens`. Raises InvalidParameter, UnsupportedContent."""
    asked = parse(MessageCountRequest, body)
    dialogue = read_dialogue(asked.system, asked.messages)
    return CompletionRequest(
        ChatRequest(dialogue.messages, **_prompt(asked)),
        models=(asked.model,),
        names=_names(asked) | dialogue.names,
    )


def shows_thinking(asked: MessagesRequest) -> bool:
    """Say whether the caller wants to see what the model thought."""
    thinking = asked.thinking
    return thinking is not None and thinking.type != "disabled" and thinking.display != "omitted"


def _prompt(asked: MessageCountRequest) -> dict[str, Any]:
    """Return the fields of a ChatRequest that bear on its prompt."""
    tools = _read_tools(asked)
    choice = asked.tool_choice
    is_single = choice is not None and choice.disable_parallel_tool_use is True
    return {
        "tools": tools,
        "tool_choice": _read_choice(choice, tools),
        "parallel_tool_calls": False if is_single and tools else None,
        "response_format": _read_format(asked.output_config),
        "reasoning_effort": _read_effort(asked),
    }


def _names(asked: MessageCountRequest) -> dict[str, str]:
    """Return the caller's words for parameters."""
    effort = "output_config.effort" if asked.thinking is None else "thinking"
    return _NAMES | {"reasoning_effort": effort}


def _read_tools(asked: MessageCountRequest) -> tuple[Tool, ...]:
    tools: dict[str, Tool] = {}
    for index, tool in enumerate(asked.tools or ()):
        if tool.is_of_a_server:
            continue
        path = f"tools[{index}]"
        if not tool.name:
            raise InvalidParameter(f"{path}.name is missing.", param=f"{path}.name")
        if tool.name in tools:
            raise InvalidParameter("tools: each name may stand once.", param="tools")
        schema = tool.input_schema or {}
        check_parameters(schema, f"{path}.input_schema")
        tools[tool.name] = Tool(tool.name, tool.description or "", schema, tool.strict)
    return tuple(tools.values())


def _read_choice(choice: ToolChoiceObject | None, tools: tuple[Tool, ...]) -> ToolChoice | None:
    if choice is None:
        return None
    if choice.type == "tool":
        if choice.name not in {tool.name for tool in tools}:
            raise InvalidParameter(
                "tool_choice.name must name a tool that is offered and not of Anthropic's servers.",
                param="tool_choice.name",
            )
        return NamedTool(choice.name or "")
    if choice.type == "any" and not tools:
        raise InvalidParameter(
            "tool_choice of type any needs tools; those of Anthropic's servers are not served here.",
            param="tool_choice",
        )
    return _CHOICES[choice.type]


def _read_format(config: OutputConfig | None) -> ResponseFormat | None:
    if config is None or config.format is None:
        return None
    schema = config.format.schema_
    check_schema(schema, "output_config.format.schema")
    check_satisfiable(schema, "output_config.format.schema")
    return ResponseFormat("json_schema", schema=schema, strict=True)


def _read_effort(asked: MessageCountRequest) -> ReasoningEffort | None:
    thinking, config = asked.thinking, asked.output_config
    effort = config.effort if config else None
    if thinking is not None and thinking.type == "disabled":
        return None
    if effort is not None:
        return NEAREST_EFFORT[effort]
    if thinking is None:
        return None
    budget_tokens = thinking.budget_tokens
    if budget_tokens is None:
        return "medium"
    if budget_tokens < MEDIUM_BUDGET_TOKENS:
        return "low"
    return "medium" if budget_tokens < HIGH_BUDGET_TOKENS else "high"


def _ignored(asked: MessagesRequest) -> Iterator[str]:
    """Name what means nothing here: a tool of a server as a whole, and not by its fields."""
    dropped = [f"tools[{i}]" for i, tool in enumerate(asked.tools or ()) if tool.is_of_a_server]
    yield from dropped
    for path in unknown_paths(asked):
        tool = re.match(r"tools\[\d+\]", path)
        if tool is None or tool[0] not in dropped:
            yield path
    if asked.tool_choice is not None and len(dropped) == len(asked.tools or ()):
        yield "tool_choice"
    config, thinking = asked.output_config, asked.thinking
    effort = config.effort if config else None
    is_disabled = thinking is not None and thinking.type == "disabled"
    if effort and is_disabled:
        yield "output_config.effort"
    if thinking and thinking.budget_tokens and (effort or is_disabled):
        yield "thinking.budget_tokens"
    if config and config.format:
        yield from unchecked(config.format.schema_, "output_config.format.schema")
