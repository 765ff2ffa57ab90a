"""What the body of OpenAI's Responses API may say, and the CompletionRequest made of it.

Source: https://platform.openai.com/docs/api-reference/responses/create; openai/openai-python 3.54, types.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import ConfigDict

from gateway.api.schema.chat_request import (
    MAX_METADATA,
    MAX_METADATA_NAME_CHARACTERS,
    MAX_MODEL_CHARACTERS,
    MAX_MODELS,
    NAMES_A_MODEL,
    NEAREST_EFFORT,
    CallerLine,
    CallerName,
    CallerNote,
    EffortField,
    Fraction,
    ModelName,
    Penalty,
    Tokens,
    TransformsType,
)
from gateway.api.schema.fields import (
    Boolean,
    ChoiceType,
    EntriesType,
    FieldType,
    ItemsType,
    JSONObject,
    NumberType,
    StoredType,
    TextsType,
    TextType,
    WholeType,
    about,
    invalid,
    optional,
)
from gateway.api.schema.messages import MAX_TEXT_CHARACTERS
from gateway.api.schema.parsing import Body, parse, unknown_paths
from gateway.api.schema.preferences import (
    ProviderPreferences,
    is_collection_denied,
    read_preferences,
)
from gateway.api.schema.responses_input import Input, read_dialogue
from gateway.api.schema.responses_tools import (
    AnswerFormat,
    ResponsesTool,
    ResponsesToolChoice,
    dropped_tools,
    fields_of_other_formats,
    read_format,
    read_tool_choice,
    read_tools,
    tools_of_two_kinds,
    unchecked_format,
)
from gateway.api.schema.tools import MAX_TOOLS, MAX_TOOLS_BYTES
from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.request import CallerNotes, CompletionRequest
from gateway.providers.chat_types import ChatRequest

Summary = Literal["auto", "concise", "detailed"]
Truncation = Literal["auto", "disabled"]

_NAMES = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
}
WHOLE_DIALOGUE = StoredType("Send the whole dialogue in input.")


class ForegroundType(FieldType):
    """False: nothing runs in the background."""

    def read(self, value: Any) -> bool:
        if value in (False, "false"):
            return False
        raise invalid(
            "must be false: the answer comes while the request waits, or with stream as events."
        )

    def json_schema(self) -> JSONObject:
        return {"type": "boolean", "const": False}


class ReasoningConfig(Body):
    """How much the model thinks, where it can. What it thought comes as an item of the answer."""

    effort: EffortField | None = optional(
        "`minimal` means `low`, `xhigh` and `max` the highest the model has, `none` is as if it were absent."
    )
    summary: Annotated[Summary, ChoiceType(get_args(Summary))] | None = optional("Of no effect.")


class TextConfig(Body):
    """The form of the answer."""

    NO_OP_VALUES: ClassVar[Mapping[str, Any]] = {"verbosity": "medium"}

    format: AnswerFormat | None = None


class ResponsesStreamOptions(Body):
    """Nothing here has an effect: usage always comes, and no event is padded."""

    NO_OP_VALUES: ClassVar[Mapping[str, Any]] = {
        "include_usage": True,
        "include_obfuscation": False,
    }


class ResponsesRequest(Body):
    """A parameter that the model does not honour, and a field that is not listed here, is ignored and named
    in `X-XRouter-Adapted`; `store: true` too, for nothing is kept.
    """

    model_config = ConfigDict(json_schema_extra={"allOf": [NAMES_A_MODEL]})

    NO_OP_VALUES: ClassVar[Mapping[str, Any]] = {
        "store": False,
        "service_tier": "auto",
        "include": [],
        "top_logprobs": 0,
    }

    model: ModelName | None = optional(
        "The model to ask, by its id or another name of it. May be absent where `models` is given."
    )
    input: Input = about("The dialogue so far: a text of the user, or items.")
    instructions: Annotated[str, TextType(MAX_TEXT_CHARACTERS)] | None = optional(
        "What the model is told before all else."
    )
    stream: Boolean | None = optional("Answer as server-sent events.", default=False)
    stream_options: ResponsesStreamOptions | None = None
    max_output_tokens: Tokens | None = optional("The most tokens of the answer.")
    tools: (
        Annotated[list[ResponsesTool], ItemsType(MAX_TOOLS, most_bytes=MAX_TOOLS_BYTES)] | None
    ) = optional(f"What the model may call; {MAX_TOOLS_BYTES} bytes of JSON at most.")
    tool_choice: ResponsesToolChoice | None = None
    parallel_tool_calls: Boolean | None = optional("Whether one turn may call several tools.")
    text: TextConfig | None = None
    reasoning: ReasoningConfig | None = None
    temperature: Annotated[float, NumberType(0, 2)] | None = None
    top_p: Fraction | None = None
    truncation: Annotated[Truncation, ChoiceType(get_args(Truncation))] | None = optional(
        "`auto` shortens a prompt that does not fit, in its middle."
    )
    metadata: (
        Annotated[dict[str, CallerNote], EntriesType(MAX_METADATA, MAX_METADATA_NAME_CHARACTERS)]
        | None
    ) = optional("The caller's own notes, kept with the generation and repeated in the answer.")
    user: CallerName | None = optional("Whom the answer is for; kept with the generation.")
    safety_identifier: CallerName | None = optional("As `user`, where that is not given.")
    prompt_cache_key: CallerLine | None = optional(
        "Names the dialogue, which keeps the provider's cache of it warm."
    )
    previous_response_id: Annotated[str, WHOLE_DIALOGUE] | None = optional("Must be absent.")
    conversation: Annotated[str, WHOLE_DIALOGUE] | None = optional("Must be absent.")
    prompt: Annotated[str, StoredType("Send its text in instructions.")] | None = optional(
        "Must be absent."
    )
    background: Annotated[bool, ForegroundType()] | None = None
    session_id: CallerName | None = optional(
        "As `prompt_cache_key`, before which it goes; kept with the generation. Not OpenAI's."
    )
    top_k: Annotated[int, WholeType(0, 1_000_000)] | None = optional("Not OpenAI's.")
    frequency_penalty: Penalty | None = optional("Not OpenAI's.")
    presence_penalty: Penalty | None = optional("Not OpenAI's.")
    models: Annotated[tuple[str, ...], TextsType(MAX_MODELS, MAX_MODEL_CHARACTERS)] | None = (
        optional("Models to ask in turn after `model`; not OpenAI's.")
    )
    provider: ProviderPreferences | None = optional("As in a chat; not OpenAI's.")
    transforms: Annotated[list[str], TransformsType()] | None = optional(
        "`middle-out` is as `truncation: auto`; not OpenAI's."
    )


@dataclass(frozen=True, slots=True)
class ReadResponse:
    """A body that was read: what is ordered, what was asked, and the names of its custom tools."""

    order: CompletionRequest
    asked: ResponsesRequest
    custom_tools: frozenset[str]


def read_responses_request(body: JSONObject, *, is_strict: bool) -> ReadResponse:
    """Read a body of `/v1/responses`. Raises InvalidParameter, UnsupportedContent."""
    asked = parse(ResponsesRequest, body)
    dialogue = read_dialogue(asked.instructions, asked.input)
    offered = read_tools(asked.tools or ())
    tools, choice = read_tool_choice(asked.tool_choice, offered.tools)
    effort = asked.reasoning.effort if asked.reasoning else None
    user = asked.user or asked.safety_identifier or None
    request = ChatRequest(
        tuple(dialogue.messages),
        stream=asked.stream is True,
        max_tokens=asked.max_output_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k,
        frequency_penalty=asked.frequency_penalty,
        presence_penalty=asked.presence_penalty,
        tools=tools,
        tool_choice=choice if tools else None,
        parallel_tool_calls=asked.parallel_tool_calls if tools else None,
        response_format=read_format(asked.text.format if asked.text else None),
        reasoning_effort=NEAREST_EFFORT.get(effort) if effort else None,
        data_collection="deny" if is_collection_denied(asked.provider) else "allow",
        session_id=asked.session_id or asked.prompt_cache_key or user,
    )
    paths = {
        f"tools[{place}].function.parameters": f"{offered.paths[tool.name]}.parameters"
        for place, tool in enumerate(tools)
    }
    fields_by_model = _read_models(asked)
    order = CompletionRequest(
        request=request,
        models=tuple(fields_by_model),
        model_fields=tuple(fields_by_model.values()),
        preferences=read_preferences(asked.provider),
        is_strict=is_strict,
        is_middle_out=asked.truncation == "auto" or bool(asked.transforms),
        ignored=tuple(_ignored(asked, has_tools=bool(offered.tools))),
        names=_NAMES | paths | dialogue.names,
        notes=CallerNotes(user, asked.session_id, asked.metadata),
    )
    return ReadResponse(order, asked, offered.custom)


def _ignored(asked: ResponsesRequest, *, has_tools: bool) -> Iterator[str]:
    """Name what means nothing here; fields of items are history and pass unnamed."""
    tools, wanted = asked.tools or (), asked.text.format if asked.text else None
    yield from dropped_tools(tools)
    yield from unknown_paths(asked)
    yield from tools_of_two_kinds(tools)
    if asked.tool_choice is not None and not has_tools:
        yield "tool_choice"
    if asked.parallel_tool_calls is not None and not has_tools:
        yield "parallel_tool_calls"
    yield from fields_of_other_formats(wanted)
    yield from unchecked_format(wanted)


def _read_models(asked: ResponsesRequest) -> dict[str, str]:
    """Return the path of each model's name by that name, in the order in which they are tried."""
    fields_by_model = {asked.model: "model"} if asked.model else {}
    for index, name in enumerate(asked.models or ()):
        fields_by_model.setdefault(name, f"models[{index}]")
    if not fields_by_model:
        raise InvalidParameter("model is missing: GET /v1/models lists them.", param="model")
    return fields_by_model
