"""The answers of the endpoints that run a model, as types: completions, chunks, vectors, counts of tokens.

The dialects write them as dicts; the tests hold what they write against these.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from gateway.api.schema.chat_request import MAX_CHOICES
from gateway.api.schema.fields import about
from gateway.providers.chat_types import FinishReason

GENERATION_ID = r"^gen-[0-9a-f]{32}$"

Count = Annotated[int, Field(ge=0)]
ChoiceIndex = Annotated[
    int, about("Its place among the choices of all prompts.", ge=0, lt=MAX_CHOICES)
]
Cost = Annotated[float, about("What was charged, in credits (roubles), exactly.")]
GenerationId = Annotated[str, about("The id for `GET /v1/generation`.", pattern=GENERATION_ID)]
ServedModel = Annotated[str, about("The id of the model that served.")]
AnyFinishReason = Literal[FinishReason, "function_call"]
AnswerFinish = Annotated[AnyFinishReason, about("Why the answer ended.")]
NativeFinish = Annotated[str | None, about("Why it ended, in the provider's own word.")]
NativeWord = Annotated[str, about("Why it ended, in the provider's own word.")]
Arguments = Annotated[str, about("JSON of an object.")]
Reasoning = Annotated[str, about("What the model thought, where it says so.")]
ReasoningContent = Annotated[str, about("The same as `reasoning`.")]
FORMER_CALL = Field(
    description="Where the request had `functions`.", json_schema_extra={"deprecated": True}
)


class CachedTokens(TypedDict):
    cached_tokens: Annotated[int, about("Part of `prompt_tokens`.", ge=0)]


class ReasoningTokens(TypedDict):
    reasoning_tokens: Annotated[int, about("Part of `completion_tokens`.", ge=0)]


class UsageAnswer(TypedDict):
    """The tokens, by the provider's own count, and what they cost."""

    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count
    prompt_tokens_details: CachedTokens
    completion_tokens_details: ReasoningTokens
    cost: Cost


class AnswerFunction(TypedDict):
    name: str
    arguments: Arguments


class AnswerFunctionCall(TypedDict):
    id: str
    type: Literal["function"]
    function: AnswerFunction


class AnswerCustom(TypedDict):
    name: str
    input: Annotated[str, about("The text that the tool is given.")]


class AnswerCustomCall(TypedDict):
    """A call of a custom tool of the request."""

    id: str
    type: Literal["custom"]
    custom: AnswerCustom


AnswerToolCall = Annotated[AnswerFunctionCall | AnswerCustomCall, Field(discriminator="type")]


class AnswerMessage(TypedDict):
    role: Literal["assistant"]
    content: Annotated[str | None, about("Null beside tool calls or a refusal without a text.")]
    refusal: Annotated[str | None, about("What the model says in place of an answer.")]
    reasoning: NotRequired[Reasoning]
    reasoning_content: NotRequired[ReasoningContent]
    tool_calls: NotRequired[list[AnswerToolCall]]
    function_call: NotRequired[Annotated[AnswerFunction, FORMER_CALL]]


class _Head(TypedDict):
    id: GenerationId
    created: Annotated[int, about("Seconds since 1970.")]
    model: ServedModel
    provider: Annotated[str, about("The slug of the provider that served.")]


class _WholeHead(_Head):
    system_fingerprint: None


class TokenProbability(TypedDict):
    token: str
    logprob: float
    bytes: None


class ChosenToken(TokenProbability):
    top_logprobs: list[TokenProbability]


class LogprobsAnswer(TypedDict):
    """Where the model tells them and `logprobs` asks for them; else null."""

    content: list[ChosenToken]
    refusal: None


class FormerLogprobs(TypedDict):
    """Where the model tells them and `logprobs` asks for them; else null."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]


class ChatChoice(TypedDict):
    index: ChoiceIndex
    message: AnswerMessage
    logprobs: LogprobsAnswer | None
    finish_reason: AnswerFinish
    native_finish_reason: NativeFinish


class ChatCompletion(_WholeHead):
    object: Literal["chat.completion"]
    choices: Annotated[list[ChatChoice], Field(min_length=1, max_length=MAX_CHOICES)]
    usage: UsageAnswer


class CompletionChoice(TypedDict):
    index: ChoiceIndex
    text: str
    logprobs: FormerLogprobs | None
    finish_reason: AnswerFinish
    native_finish_reason: NativeFinish
    reasoning: NotRequired[Reasoning]
    reasoning_content: NotRequired[ReasoningContent]
    tool_calls: NotRequired[list[AnswerToolCall]]
    function_call: NotRequired[Annotated[AnswerFunction, FORMER_CALL]]


class CompletionAnswer(_WholeHead):
    object: Literal["text_completion"]
    choices: Annotated[list[CompletionChoice], Field(min_length=1, max_length=MAX_CHOICES)]
    usage: UsageAnswer


class FunctionDelta(TypedDict):
    name: NotRequired[str]
    arguments: Annotated[str, about("To be appended to those before.")]


class FunctionCallDelta(TypedDict):
    """The first piece of a call bears `id`, `type` and the name."""

    index: Annotated[int, about("Which call is continued.", ge=0)]
    id: NotRequired[str]
    type: NotRequired[Literal["function"]]
    function: FunctionDelta


class CustomCallDelta(AnswerCustomCall):
    """A call of a custom tool comes whole."""

    index: Annotated[int, about("Which call it is.", ge=0)]


ToolCallDeltaAnswer = FunctionCallDelta | CustomCallDelta


class Delta(TypedDict, total=False):
    """What is new since the chunk before; `{}` in the last one."""

    role: Literal["assistant"]
    content: Annotated[str, about("New characters only.")]
    refusal: Annotated[str, about("New characters of what is said in place of an answer.")]
    reasoning: Reasoning
    reasoning_content: ReasoningContent
    tool_calls: list[ToolCallDeltaAnswer]
    function_call: Annotated[FunctionDelta, FORMER_CALL]


class ChunkChoice(TypedDict):
    index: ChoiceIndex
    delta: Delta
    logprobs: LogprobsAnswer | None
    finish_reason: AnswerFinish | None
    native_finish_reason: NotRequired[NativeWord]


class ChatCompletionChunk(_Head):
    """The `data:` of one event.

    The first of a choice bears the role, its last one bears `finish_reason`. `usage` comes where
    `stream_options.include_usage` asks for it: once, in a last chunk with empty `choices`.
    """

    object: Literal["chat.completion.chunk"]
    choices: Annotated[list[ChunkChoice], Field(max_length=1)]
    usage: NotRequired[UsageAnswer]


class CompletionChunkChoice(TypedDict):
    index: ChoiceIndex
    text: Annotated[str, about("New characters only.")]
    logprobs: FormerLogprobs | None
    finish_reason: AnswerFinish | None
    native_finish_reason: NotRequired[NativeWord]
    reasoning: NotRequired[Reasoning]
    reasoning_content: NotRequired[ReasoningContent]
    tool_calls: NotRequired[list[ToolCallDeltaAnswer]]
    function_call: NotRequired[Annotated[FunctionDelta, FORMER_CALL]]


class CompletionChunk(_Head):
    """The `data:` of one event. `usage` comes as in a chat's stream."""

    object: Literal["text_completion"]
    choices: Annotated[list[CompletionChunkChoice], Field(max_length=1)]
    usage: NotRequired[UsageAnswer]


class CountedTokens(TypedDict):
    tokens: Count
    model: Annotated[str, about("The id of the model that would serve.")]


class TokenCount(TypedDict):
    data: CountedTokens


class PlannedCost(TypedDict):
    least: Annotated[
        float, about("With the whole prompt cached and one token of answer, in credits, exactly.")
    ]
    most: Annotated[float, about("What would be held for it, in credits, exactly.")]


class PlanCandidate(TypedDict):
    model: str
    provider: str
    reasons: Annotated[list[str], about("Why it stands in its place.")]
    adapted: Annotated[list[str], about("All that would not be as the caller asks.")]
    tokens_prompt: Annotated[int, about("The likely tokens of the prompt.", ge=0)]
    max_tokens: Annotated[int, about("The longest answer that would be asked for.", ge=1)]
    cost: PlannedCost


class SkippedRoute(TypedDict):
    model: str
    provider: str
    reason: str


class PlanRefusal(TypedDict):
    message: Annotated[str, about("The cause and the remedy.")]
    type: str
    param: Annotated[str | None, about("The field that is wrong.")]
    code: str


class PlanDetails(TypedDict):
    candidates: Annotated[list[PlanCandidate], about("Who would be asked, in order.")]
    skipped: Annotated[list[SkippedRoute], about("Who would not be, and why.")]
    admitted: Annotated[bool, about("Whether the request would be let through now.")]
    refusal: Annotated[PlanRefusal | None, about("The error that it would get; null for none.")]


class PlanAnswer(TypedDict):
    data: PlanDetails


class EmbeddingAnswer(TypedDict):
    object: Literal["embedding"]
    index: Annotated[int, about("Which text it is of.", ge=0)]
    embedding: (
        list[float]
        | Annotated[
            str,
            Field(
                description="With `encoding_format` base64.",
                json_schema_extra={"contentEncoding": "base64"},
            ),
        ]
    )


class EmbeddingsUsage(TypedDict):
    prompt_tokens: Count
    total_tokens: Count
    cost: Cost


class Embeddings(TypedDict):
    object: Literal["list"]
    id: GenerationId
    model: ServedModel
    data: Annotated[list[EmbeddingAnswer], about("In the order of the texts.")]
    usage: EmbeddingsUsage
