"""The values that pass between the pipeline and a provider: plain and frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

JSONObject = dict[str, Any]
Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
ReasoningEffort = Literal["none", "off", "low", "medium", "high", "xhigh", "max"]
"""In rising order; `max` is the highest that the model has.

`none` and `off` are words of wires for a caller that asks for no reasoning: see `ModelProfile.reasoning_off`.
"""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in a user's message: decoded bytes, and a type such as `image/png`."""

    data: bytes
    mime_type: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's request to run a tool. `arguments` is JSON text of an object, as in OpenAI's wire."""

    id: str
    name: str
    arguments: str


class Message(NamedTuple):
    """One turn. `content` is text ("" when there is none); `developer` is already `system`.

    An assistant's turn may have `tool_calls`; a `tool` turn has the `tool_call_id` it answers.
    """

    role: Role
    content: str = ""
    images: tuple[Image, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None

    @property
    def is_blank(self) -> bool:
        """Whether it says nothing; a tool's result says something even where it is empty."""
        has_more = self.images or self.tool_calls or self.role == "tool"
        return not (has_more or self.content.strip())


@dataclass(frozen=True, slots=True)
class Tool:
    """An offered function. `parameters` is the caller's JSON Schema, as it came ({} when absent)."""

    name: str
    description: str = ""
    parameters: JSONObject = field(default_factory=dict)
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class NamedTool:
    """`tool_choice` that forces one tool."""

    name: str


ToolChoice = Literal["none", "auto", "required"] | NamedTool


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """`schema` is set for `json_schema` alone."""

    kind: Literal["text", "json_object", "json_schema"]
    schema: JSONObject | None = None
    name: str = ""
    strict: bool = False


class ChatRequest(NamedTuple):
    """One validated chat request, independent of any vendor. None means that the caller left it out.

    With `is_batch` each message is a prompt of its own; no provider sees such a request, nor an `n` above 1.
    """

    messages: tuple[Message, ...]
    stream: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: int = 1
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: ReasoningEffort | None = None
    data_collection: Literal["allow", "deny"] = "allow"
    session_id: str | None = None
    is_batch: bool = False


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call. The first piece of an `index` has `id` and `name`; `arguments` are appended."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class Usage(NamedTuple):
    """Tokens of one completion. `cached_tokens` and `reasoning_tokens` are parts of the counts beside them."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    source: Literal["provider", "estimated"] = "provider"


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token and the natural logarithm of its probability; `top` are the likeliest in its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class ChatChunk(NamedTuple):
    """One step of a completion.

    `text` and `reasoning` are new characters only, never the text so far. `usage` is the total of the
    request so far; the last one wins. `rewritten` says that the provider revised text already sent,
    `has_invalid_calls` that the arguments of a call do not fit its tool and could not be mended. `choice`
    is the index of the choice that it belongs to, `stop_sequence` the one of the request's that cut the
    text here. `refusal` is what a model says in place of an answer, on a wire that tells it apart.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: FinishReason | None = None
    native_finish_reason: str | None = None
    usage: Usage | None = None
    rewritten: bool = False
    has_invalid_calls: bool = False
    choice: int = 0
    stop_sequence: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    refusal: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it, as when all of its text is held back."""
        return not (
            self.text
            or self.reasoning
            or self.tool_calls
            or self.finish_reason
            or self.usage
            or self.rewritten
            or self.refusal
        )


@dataclass(frozen=True, slots=True)
class Embedding:
    """Vectors in the order of the inputs; `prompt_tokens` is None where the provider counted none."""

    vectors: tuple[tuple[float, ...], ...]
    prompt_tokens: int | None
