"""The answers of OpenAI's Responses API, as types: the response, its items, its events.

The dialect writes them as dicts; the tests hold what it writes against these.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict

from gateway.api.schema.fields import about
from gateway.api.schema.openapi.completion_answers import Arguments, Cost, Count, ServedModel

RESPONSE_ID = r"^resp_[0-9a-f]{32}$"

ItemState = Literal["in_progress", "completed", "incomplete"]
ItemId = Annotated[str, about("The item's own id.")]
CallId = Annotated[str, about("What the output of the call names.")]
Place = Annotated[int, about("Which item, from 0.", ge=0)]
Number = Annotated[int, about("Which event, from 0 without holes.", ge=0)]


class CachedInput(TypedDict):
    cached_tokens: Annotated[int, about("Part of `input_tokens`.", ge=0)]
    cache_write_tokens: Literal[0]


class ReasoningOutput(TypedDict):
    reasoning_tokens: Annotated[int, about("Part of `output_tokens`.", ge=0)]


class ResponseUsage(TypedDict):
    """The tokens, by the provider's own count, and what they cost."""

    input_tokens: Count
    input_tokens_details: CachedInput
    output_tokens: Count
    output_tokens_details: ReasoningOutput
    total_tokens: Count
    cost: Cost


class OutputText(TypedDict):
    type: Literal["output_text"]
    text: str
    annotations: Annotated[list[Any], Field(max_length=0)]
    logprobs: Annotated[list[Any], Field(max_length=0)]


class OutputRefusal(TypedDict):
    """What the model says in place of an answer."""

    type: Literal["refusal"]
    refusal: str


OutputPart = Annotated[OutputText | OutputRefusal, Field(discriminator="type")]


class SummaryText(TypedDict):
    type: Literal["summary_text"]
    text: str


class OutputMessage(TypedDict):
    id: ItemId
    type: Literal["message"]
    status: ItemState
    role: Literal["assistant"]
    content: list[OutputPart]


class OutputReasoning(TypedDict):
    """What the model thought, where it says so."""

    id: ItemId
    type: Literal["reasoning"]
    status: ItemState
    summary: list[SummaryText]


class OutputFunctionCall(TypedDict):
    id: ItemId
    type: Literal["function_call"]
    status: ItemState
    call_id: CallId
    name: str
    arguments: Arguments


class OutputCustomCall(TypedDict):
    id: ItemId
    type: Literal["custom_tool_call"]
    status: ItemState
    call_id: CallId
    name: str
    input: Annotated[str, about("What the tool is given, as it is.")]


OutputItem = TypeAliasType(
    "OutputItem",
    Annotated[
        OutputMessage | OutputReasoning | OutputFunctionCall | OutputCustomCall,
        Field(discriminator="type"),
    ],
)


class ResponseFailure(TypedDict):
    code: Annotated[str, about("OpenAI's code: `server_error` and others.")]
    message: Annotated[str, about("The cause and the remedy.")]
    type: str
    param: str | None
    metadata: Annotated[dict[str, Any], about("Our own `code`, and what else is known.")]


class IncompleteDetails(TypedDict):
    reason: Literal["max_output_tokens", "content_filter"]


class RepeatedReasoning(TypedDict):
    effort: str | None
    summary: str | None


class ResponseObject(TypedDict):
    """What the request said is repeated in it."""

    id: Annotated[str, about("The id for `GET /v1/generation`.", pattern=RESPONSE_ID)]
    object: Literal["response"]
    created_at: Annotated[int, about("Seconds since 1970.")]
    completed_at: int | None
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    error: ResponseFailure | None
    incomplete_details: IncompleteDetails | None
    model: ServedModel
    provider: Annotated[str, about("The slug of the provider that served.")]
    output: list[OutputItem]
    usage: Annotated[ResponseUsage | None, about("Null until the answer ends.")]
    background: Literal[False]
    frequency_penalty: float | None
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: None
    metadata: dict[str, str]
    parallel_tool_calls: bool
    presence_penalty: float | None
    previous_response_id: None
    prompt_cache_key: str | None
    reasoning: RepeatedReasoning
    safety_identifier: str | None
    service_tier: None
    store: Annotated[Literal[False], about("Nothing is kept.")]
    temperature: float | None
    text: dict[str, Any]
    tool_choice: str | dict[str, Any]
    tools: list[dict[str, Any]]
    top_logprobs: Literal[0]
    top_p: float | None
    truncation: Literal["auto", "disabled"]
    user: str | None


class _Event(TypedDict):
    sequence_number: Number


class ResponseEvent(_Event):
    """The first two, and the last one."""

    type: Literal[
        "response.created",
        "response.in_progress",
        "response.completed",
        "response.incomplete",
        "response.failed",
    ]
    response: ResponseObject


class ItemEvent(_Event):
    type: Literal["response.output_item.added", "response.output_item.done"]
    output_index: Place
    item: OutputItem


class _OfItem(_Event):
    item_id: ItemId
    output_index: Place


class PartEvent(_OfItem):
    type: Literal["response.content_part.added", "response.content_part.done"]
    content_index: Literal[0]
    part: OutputPart


class OutputTextDelta(_OfItem):
    type: Literal["response.output_text.delta"]
    content_index: Literal[0]
    delta: Annotated[str, about("New characters only.")]
    logprobs: Annotated[list[Any], Field(max_length=0)]


class OutputTextDone(_OfItem):
    type: Literal["response.output_text.done"]
    content_index: Literal[0]
    text: str
    logprobs: Annotated[list[Any], Field(max_length=0)]


class RefusalDelta(_OfItem):
    type: Literal["response.refusal.delta"]
    content_index: Literal[0]
    delta: Annotated[str, about("New characters only.")]


class RefusalDone(_OfItem):
    type: Literal["response.refusal.done"]
    content_index: Literal[0]
    refusal: str


class SummaryPartEvent(_OfItem):
    type: Literal["response.reasoning_summary_part.added", "response.reasoning_summary_part.done"]
    summary_index: Literal[0]
    part: SummaryText


class SummaryTextDelta(_OfItem):
    type: Literal["response.reasoning_summary_text.delta"]
    summary_index: Literal[0]
    delta: str


class SummaryTextDone(_OfItem):
    type: Literal["response.reasoning_summary_text.done"]
    summary_index: Literal[0]
    text: str


class CallDelta(_OfItem):
    type: Literal["response.function_call_arguments.delta", "response.custom_tool_call_input.delta"]
    delta: str


class ArgumentsDone(_OfItem):
    type: Literal["response.function_call_arguments.done"]
    name: str
    arguments: Arguments


class CustomInputDone(_OfItem):
    type: Literal["response.custom_tool_call_input.done"]
    input: str


class StreamErrorDetails(TypedDict):
    type: str
    code: str
    message: str
    param: str | None


class StreamError(_Event):
    """In place of all others: the request failed before anything was known of the response."""

    type: Literal["error"]
    code: str
    message: Annotated[str, about("The cause and the remedy.")]
    param: str | None
    error: NotRequired[StreamErrorDetails]


ResponsesEvent = TypeAliasType(
    "ResponsesEvent",
    Annotated[
        ResponseEvent
        | ItemEvent
        | PartEvent
        | OutputTextDelta
        | OutputTextDone
        | RefusalDelta
        | RefusalDone
        | SummaryPartEvent
        | SummaryTextDelta
        | SummaryTextDone
        | CallDelta
        | ArgumentsDone
        | CustomInputDone
        | StreamError,
        Field(discriminator="type"),
    ],
)
