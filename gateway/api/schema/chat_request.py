"""What the body of a chat may say, and the CompletionRequest made of it; every refusal names its field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import ConfigDict

from gateway.api.schema.fields import (
    Boolean,
    ChoiceType,
    EntriesType,
    FieldType,
    JSONObject,
    LineType,
    NumberType,
    TextsType,
    TextType,
    WholeType,
    about,
    invalid,
    optional,
)
from gateway.api.schema.messages import Messages, read_messages
from gateway.api.schema.parsing import Body, parse, unknown_paths
from gateway.api.schema.preferences import (
    ProviderPreferences,
    is_collection_denied,
    read_preferences,
)
from gateway.api.schema.tools import (
    MAX_TOOLS_BYTES,
    Functions,
    NamedToolChoice,
    ResponseFormatBody,
    ToolChoiceBody,
    Tools,
    custom_names,
    read_response_format,
    read_tool_choice,
    read_tools,
    tools_of_two_kinds,
    unchecked_format,
)
from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.request import CallerNotes, CompletionRequest
from gateway.pipeline.routing.router import MAX_CANDIDATES
from gateway.providers.chat_types import ChatRequest, Message, ReasoningEffort

MAX_TOKENS = 10_000_000
MAX_MODELS = 10
MAX_MODEL_CHARACTERS = 128
MAX_STOPS = 4
MAX_STOP_CHARACTERS = 256
MAX_BIASES = 1024
MAX_METADATA = 16
MAX_METADATA_NAME_CHARACTERS = 64
MAX_METADATA_CHARACTERS = 512
MAX_LINE_CHARACTERS = 512
MAX_NAME_CHARACTERS = 256
MAX_TOP_LOGPROBS = 20
MAX_PROMPT_CHARACTERS = 20_000_000
MAX_CHOICES = 20
"""Of one request: its prompts, each as often as `n` says."""

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

NEAREST_EFFORT: Mapping[Effort, ReasoningEffort] = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
    "max": "max",
}

Tokens = Annotated[int, WholeType(1, MAX_TOKENS)]
Fraction = Annotated[float, NumberType(0, 1)]
Penalty = Annotated[float, NumberType(-2, 2)]
Bias = Annotated[float, NumberType(-100, 100)]
ModelName = Annotated[str, TextType(MAX_MODEL_CHARACTERS)]
CallerLine = Annotated[str, LineType(MAX_LINE_CHARACTERS)]
CallerName = Annotated[str, LineType(MAX_NAME_CHARACTERS)]
CallerNote = Annotated[str, TextType(MAX_METADATA_CHARACTERS)]
EffortField = Annotated[Effort, ChoiceType(get_args(Effort))]


class TransformsType(FieldType):
    """No transform, or the one there is."""

    def read(self, value: Any) -> list[str]:
        if value in ([], ["middle-out"]):
            return list(value)
        raise invalid('may be [] or ["middle-out"].')

    def json_schema(self) -> JSONObject:
        item = {"type": "string", "enum": ["middle-out"]}
        return {"type": "array", "items": item, "maxItems": 1}


class StreamOptions(Body):
    NO_OP_VALUES: ClassVar[Mapping[str, Any]] = {"include_obfuscation": False}

    include_usage: Boolean | None = optional("A last chunk bears `usage` and empty `choices`.")


class UsageOptions(Body):
    include: Boolean | None = optional("As `stream_options.include_usage`.")


class ReasoningOptions(Body):
    """What `reasoning_effort` says goes before `effort`, and that before `enabled`."""

    effort: EffortField | None = optional("As `reasoning_effort`.")
    enabled: Boolean | None = optional(
        "`true` without an effort means `medium`, `false` is as if no effort were given."
    )
    exclude: Boolean | None = optional(
        "Leave the text of the reasoning out of the answer.", default=False
    )
    max_tokens: Tokens | None = optional(
        "No model here has a budget of its own for that: named as ignored, and means `enabled`."
    )


class _StreamFields(Body):
    stream: Boolean | None = optional("Answer as server-sent events.", default=False)
    stream_options: StreamOptions | None = None
    usage: UsageOptions | None = None

    @property
    def has_usage_chunk(self) -> bool:
        """Whether a last chunk of usage alone is asked for."""
        options, usage = self.stream_options, self.usage
        return bool((options and options.include_usage) or (usage and usage.include))


class CompletionFields(_StreamFields):
    """What `/v1/chat/completions` and `/v1/completions` have in common."""

    NO_OP_VALUES: ClassVar[Mapping[str, Any]] = {
        "store": False,
        "service_tier": "auto",
        "modalities": ["text"],
        "best_of": 1,
        "echo": False,
        "suffix": "",
    }

    model: ModelName | None = optional(
        "The model to ask, by its id or another name of it. May be absent where `models` is given."
        " An ending `:floor` sorts by price, `:nitro` by throughput, `:free` is for free models alone;"
        " `xrouter/auto` chooses by the request, the price, and what was measured of late."
    )
    models: Annotated[tuple[str, ...], TextsType(MAX_MODELS, MAX_MODEL_CHARACTERS)] | None = (
        optional(
            "Models to ask in turn after `model`, when it is unknown or a provider fails before its first"
            f" chunk. {MAX_CANDIDATES} candidates are tried at most."
        )
    )
    provider: ProviderPreferences | None = None
    transforms: Annotated[list[str], TransformsType()] | None = optional(
        "`middle-out` shortens a prompt that does not fit, in its middle."
    )
    route: Annotated[Literal["fallback"], ChoiceType(("fallback",))] | None = optional(
        "Of no effect: `models` fall back by themselves."
    )
    max_completion_tokens: Tokens | None = optional(
        "The most tokens of the answer; goes before `max_tokens`."
    )
    max_tokens: Tokens | None = optional("The most tokens of the answer.")
    stop: Annotated[tuple[str, ...], TextsType(MAX_STOPS, MAX_STOP_CHARACTERS)] | None = optional(
        "Texts at which the answer ends; they are not part of it."
    )
    n: Annotated[int, WholeType(1, MAX_CHOICES)] | None = optional(
        "How many choices to answer each prompt with, asked for one after the other: each pays for the"
        f" prompt, `usage` is their sum, and a failure of one is that of all, and free of charge. {MAX_CHOICES}"
        " choices are given at most.",
        default=1,
    )
    response_format: ResponseFormatBody | None = None
    temperature: Annotated[float, NumberType(0, 2)] | None = None
    top_p: Fraction | None = None
    top_k: Annotated[int, WholeType(0, 1_000_000)] | None = None
    min_p: Fraction | None = None
    seed: Annotated[int, WholeType(-(2**63), 2**63 - 1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    repetition_penalty: Annotated[float, NumberType(0, 2)] | None = None
    logit_bias: Annotated[dict[str, Bias | None], EntriesType(MAX_BIASES)] | None = optional(
        "Token → bias."
    )
    top_logprobs: Annotated[int, WholeType(0, MAX_TOP_LOGPROBS)] | None = None
    reasoning_effort: EffortField | None = optional(
        "`minimal` means `low`, `xhigh` and `max` the highest the model has, `none` is as if it were absent."
    )
    reasoning: ReasoningOptions | None = None
    session_id: CallerName | None = optional(
        "Names the dialogue, which keeps the provider's cache of it warm; kept with the generation."
    )
    prompt_cache_key: CallerLine | None = optional("As `session_id`, where that is not given.")
    user: CallerName | None = optional(
        "Whom the answer is for; kept with the generation. Also as `session_id`, where neither of those is"
        " given."
    )
    metadata: (
        Annotated[dict[str, CallerNote], EntriesType(MAX_METADATA, MAX_METADATA_NAME_CHARACTERS)]
        | None
    ) = optional("The caller's own notes, kept with the generation.")


@dataclass(frozen=True, slots=True)
class PromptsType(TextsType):
    """Prompts; token ids have a refusal of their own."""

    def read(self, value: Any) -> tuple[str, ...]:
        match value:
            case [int(), *_] | [[*_], *_]:
                raise invalid("must be texts: token ids of another tokenizer mean nothing here.")
        return TextsType.read(self, value)


Prompts = Annotated[tuple[str, ...], PromptsType(MAX_CHOICES, MAX_PROMPT_CHARACTERS, fewest=1)]

NAMES_A_MODEL: JSONObject = {
    "anyOf": [
        {"required": ["model"], "properties": {"model": {"type": "string", "minLength": 1}}},
        {
            "required": ["models"],
            "properties": {"models": {"type": ["array", "string"], "minItems": 1}},
        },
    ]
}
HAS_MESSAGES_OR_PROMPT: JSONObject = {
    "oneOf": [
        {"required": ["messages"], "properties": {"messages": {"type": "array"}}},
        {"required": ["prompt"], "properties": {"prompt": {"type": ["string", "array"]}}},
    ]
}


class ChatCompletionRequest(CompletionFields):
    """`messages` or `prompt`, exactly one of them; `model`, `models` or both.

    A parameter that the model does not honour, and a field that is not listed here, is ignored and named in
    `X-XRouter-Adapted`.
    """

    model_config = ConfigDict(json_schema_extra={"allOf": [NAMES_A_MODEL, HAS_MESSAGES_OR_PROMPT]})

    messages: Messages | None = optional("The dialogue so far.")
    prompt: Prompts | None = optional(
        "One message of the user, in place of `messages`; or several prompts, each of which is answered by"
        " a choice of its own."
    )
    logprobs: Boolean | None = None
    tools: Tools | None = optional(
        f"What the model may call; {MAX_TOOLS_BYTES} bytes of JSON at most."
    )
    tool_choice: ToolChoiceBody | None = None
    parallel_tool_calls: Boolean | None = optional("Whether one turn may call several tools.")
    functions: Functions | None = optional("The former form of `tools`.", deprecated=True)
    function_call: ToolChoiceBody | None = optional(
        "The former form of `tool_choice`.", deprecated=True
    )


class _LogprobsCount(Body):
    logprobs: Annotated[int, WholeType(0, MAX_TOP_LOGPROBS)] | None = optional(
        "How many other probable tokens to tell beside each; 0 for that token alone."
    )


class CompletionRequestBody(_LogprobsCount, CompletionFields):
    """What is not honoured, and what is not listed here, is ignored and named in `X-XRouter-Adapted`."""

    model_config = ConfigDict(json_schema_extra={"allOf": [NAMES_A_MODEL]})

    prompt: Prompts = about(
        "A text, or several, each of which is answered by a choice of its own, in order. `usage` is their"
        " sum; a failure of one is that of all, and free of charge."
    )


_NO_REASONING = ReasoningOptions()


def read_completion_request(body: dict[str, Any], *, is_strict: bool) -> CompletionRequest:
    """Read a chat body. Raises InvalidParameter, UnsupportedContent."""
    return read_chat(body, is_strict=is_strict)[0]


def read_chat(body: dict[str, Any], *, is_strict: bool) -> tuple[CompletionRequest, frozenset[str]]:
    """Read a chat body, and the names of its custom tools. Raises InvalidParameter, UnsupportedContent."""
    chat = parse(ChatCompletionRequest, body)
    return _completion_request(chat, is_strict=is_strict), custom_names(chat.tools)


def _completion_request(chat: ChatCompletionRequest, *, is_strict: bool) -> CompletionRequest:
    tools = read_tools(chat.tools, chat.functions)
    tools, tool_choice = read_tool_choice(chat.tool_choice, chat.function_call, tools)
    request = ChatRequest(
        messages=_read_prompt(chat),
        stream=chat.stream is True,
        max_tokens=chat.max_completion_tokens or chat.max_tokens,
        temperature=chat.temperature,
        top_p=chat.top_p,
        top_k=chat.top_k,
        min_p=chat.min_p,
        seed=chat.seed,
        stop=chat.stop or (),
        frequency_penalty=chat.frequency_penalty,
        presence_penalty=chat.presence_penalty,
        repetition_penalty=chat.repetition_penalty,
        logit_bias=_read_biases(chat),
        logprobs=chat.logprobs,
        top_logprobs=chat.top_logprobs,
        n=_read_choices(chat),
        tools=tools,
        tool_choice=tool_choice,
        # The former `function_call` of an answer has room for one call.
        parallel_tool_calls=False if _has_former_tools(chat) else chat.parallel_tool_calls,
        response_format=read_response_format(chat.response_format),
        reasoning_effort=_read_effort(chat),
        data_collection="deny" if is_collection_denied(chat.provider) else "allow",
        is_batch=chat.prompt is not None and len(chat.prompt) > 1,
        session_id=chat.session_id or chat.prompt_cache_key or chat.user or None,
    )
    fields_by_model = _read_models(chat)
    return CompletionRequest(
        request=request,
        models=tuple(fields_by_model),
        model_fields=tuple(fields_by_model.values()),
        preferences=read_preferences(chat.provider),
        is_strict=is_strict,
        is_middle_out=bool(chat.transforms),
        hides_reasoning=bool(chat.reasoning and chat.reasoning.exclude),
        ignored=_ignored(chat),
        notes=CallerNotes(chat.user, chat.session_id, chat.metadata),
        names={} if chat.prompt is None else {"messages": "prompt"},
    )


def wants_usage_chunk(body: dict[str, Any]) -> bool:
    """Say whether the caller asked for a last chunk of usage alone. Raises InvalidParameter."""
    is_said = "stream_options" in body or "usage" in body
    return is_said and parse(_StreamFields, body).has_usage_chunk


def read_logprobs_count(body: dict[str, Any]) -> int | None:
    """Return how many probable tokens a text completion wants. Raises InvalidParameter."""
    return parse(_LogprobsCount, {"logprobs": body["logprobs"]}).logprobs


def _ignored(chat: ChatCompletionRequest) -> tuple[str, ...]:
    """Name what means nothing here; fields of messages are history and pass unnamed."""
    ignored = unknown_paths(chat)
    if chat.stream_options is not None and not chat.stream:
        ignored.append("stream_options")
    if chat.max_tokens and chat.max_completion_tokens not in (None, chat.max_tokens):
        ignored.append("max_tokens")
    if chat.reasoning is not None:
        ignored += _ignored_of_reasoning(chat.reasoning, chat.reasoning_effort)
    ignored += unchecked_format(chat.response_format)
    return (*ignored, *tools_of_two_kinds(chat.tools), *_ignored_of_tools(chat))


def _ignored_of_reasoning(reasoning: ReasoningOptions, named: Effort | None) -> Iterator[str]:
    effort = named or reasoning.effort
    if reasoning.effort not in (None, effort):
        yield "reasoning.effort"
    if effort is not None and reasoning.enabled is (effort == "none"):
        yield "reasoning.enabled"
    if reasoning.max_tokens is not None:
        yield "reasoning.max_tokens"


def _ignored_of_tools(chat: ChatCompletionRequest) -> Iterator[str]:
    """Name the former form beside another present one, and what says nothing where no tools are offered."""
    functions = chat.functions or []
    if functions and chat.tools is not None and functions != [tool.function for tool in chat.tools]:
        yield "functions"
    has_tools = bool(functions if chat.tools is None else chat.tools)
    choice = _chosen(chat.tool_choice)
    if choice is not None and not has_tools:
        yield "tool_choice"
    former = _chosen(chat.function_call)
    if former is not None and (choice not in (None, former) or not (choice or has_tools)):
        yield "function_call"
    has_room = has_tools and not (chat.parallel_tool_calls and _has_former_tools(chat))
    if chat.parallel_tool_calls is not None and not has_room:
        yield "parallel_tool_calls"


def _has_former_tools(chat: ChatCompletionRequest) -> bool:
    """Say whether tools are offered in the deprecated form alone."""
    return chat.tools is None and bool(chat.functions)


def _chosen(choice: ToolChoiceBody | None) -> ToolChoiceBody | None:
    """Return what both forms of a choice have in common."""
    return choice.function if isinstance(choice, NamedToolChoice) else choice


def _read_effort(chat: ChatCompletionRequest) -> ReasoningEffort | None:
    reasoning = chat.reasoning or _NO_REASONING
    effort = chat.reasoning_effort or reasoning.effort
    if effort is not None:
        return NEAREST_EFFORT.get(effort)
    is_wanted = reasoning.enabled or (reasoning.enabled is None and reasoning.max_tokens)
    return "medium" if is_wanted else None


def _read_models(chat: ChatCompletionRequest) -> dict[str, str]:
    """Return the path of each model's name by that name, in the order in which they are tried."""
    fields_by_model = {chat.model: "model"} if chat.model else {}
    for index, name in enumerate(chat.models or ()):
        fields_by_model.setdefault(name, f"models[{index}]")
    if not fields_by_model:
        raise InvalidParameter("model is missing: GET /v1/models lists them.", param="model")
    return fields_by_model


def _read_prompt(chat: ChatCompletionRequest) -> tuple[Message, ...]:
    if (chat.prompt is None) == (chat.messages is None):
        raise InvalidParameter("Send messages or prompt: exactly one of them.", param="messages")
    if chat.prompt is not None:
        return tuple(Message("user", prompt) for prompt in chat.prompt)
    return read_messages(chat.messages or ())


def _read_choices(chat: ChatCompletionRequest) -> int:
    choices = chat.n or 1
    if choices > 1 and choices * len(chat.prompt or "1") > MAX_CHOICES:
        raise InvalidParameter(
            f"n times the prompts must be {MAX_CHOICES} at most: send several requests.", param="n"
        )
    return choices


def _read_biases(chat: ChatCompletionRequest) -> dict[str, float] | None:
    if chat.logit_bias is None:
        return None
    return {token: bias or 0 for token, bias in chat.logit_bias.items()}
