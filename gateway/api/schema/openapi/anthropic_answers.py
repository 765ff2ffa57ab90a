"""The answers of Anthropic's Messages API, as types: messages, events, counts, errors.

The dialect writes them as dicts; the tests hold what it writes against these.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict

from gateway.api.dialects.anthropic_messages import error_type
from gateway.api.schema.fields import about
from gateway.api.schema.openapi.completion_answers import Cost, Count, ServedModel
from gateway.api.schema.openapi.failures import CODES

MESSAGE_ID = r"^msg_[0-9a-f]{32}$"
TYPES = sorted({error_type(status) for status in CODES.values()})

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]
Place = Annotated[int, about("Which block, from 0.", ge=0)]


class AnthropicUsage(TypedDict):
    """The tokens, by the provider's own count, and what they cost; the prompt has the first three together."""

    input_tokens: Annotated[int, about("Of the prompt, without the cached ones.", ge=0)]
    cache_creation_input_tokens: Literal[0]
    cache_read_input_tokens: Annotated[int, about("Of the prompt, from a cache.", ge=0)]
    output_tokens: Count
    cost: NotRequired[Cost]


class TextAnswer(TypedDict):
    type: Literal["text"]
    text: str


class ToolUseAnswer(TypedDict):
    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]


class ThinkingAnswer(TypedDict):
    type: Literal["thinking"]
    thinking: str
    signature: str


AnswerBlock = TypeAliasType(
    "AnswerBlock",
    Annotated[TextAnswer | ToolUseAnswer | ThinkingAnswer, Field(discriminator="type")],
)


class AnthropicStop(TypedDict):
    stop_reason: StopReason | None
    stop_sequence: Annotated[str | None, about("The one of `stop_sequences` that ended it.")]


class AnthropicMessage(AnthropicStop):
    id: Annotated[str, about("The id for `GET /v1/generation`.", pattern=MESSAGE_ID)]
    type: Literal["message"]
    role: Literal["assistant"]
    model: ServedModel
    provider: Annotated[str, about("The slug of the provider that served.")]
    content: list[AnswerBlock]
    usage: AnthropicUsage


class MessageStart(TypedDict):
    """`usage` is an estimate here."""

    type: Literal["message_start"]
    message: AnthropicMessage


class Ping(TypedDict):
    """Comes in silences."""

    type: Literal["ping"]


class BlockStart(TypedDict):
    type: Literal["content_block_start"]
    index: Place
    content_block: AnswerBlock


class TextDelta(TypedDict):
    type: Literal["text_delta"]
    text: str


class InputDelta(TypedDict):
    type: Literal["input_json_delta"]
    partial_json: str


class ThinkingDelta(TypedDict):
    type: Literal["thinking_delta"]
    thinking: str


class BlockDelta(TypedDict):
    type: Literal["content_block_delta"]
    index: Place
    delta: Annotated[TextDelta | InputDelta | ThinkingDelta, Field(discriminator="type")]


class BlockStop(TypedDict):
    type: Literal["content_block_stop"]
    index: Place


class MessageDelta(TypedDict):
    type: Literal["message_delta"]
    delta: AnthropicStop
    usage: AnthropicUsage


class MessageStop(TypedDict):
    type: Literal["message_stop"]


AnthropicEvent = TypeAliasType(
    "AnthropicEvent",
    Annotated[
        MessageStart | Ping | BlockStart | BlockDelta | BlockStop | MessageDelta | MessageStop,
        Field(discriminator="type"),
    ],
)


class InputTokens(TypedDict):
    input_tokens: Count


class AnthropicErrorDetails(TypedDict):
    type: Annotated[
        str, Field(description="Follows from the status.", json_schema_extra={"enum": [*TYPES]})
    ]
    message: Annotated[str, about("The cause and the remedy.")]
    details: Annotated[
        dict[str, Any], about("`error_code`, `param` and what else is known, as in other errors.")
    ]


class AnthropicErrorAnswer(TypedDict):
    """Every refusal and every failure. A stream that fails ends with one such event, of the name `error`."""

    type: Literal["error"]
    error: AnthropicErrorDetails
    request_id: str
