"""The values that cross the seam between the pipeline and a provider: plain, frozen, no behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JSONObject = dict[str, Any]
Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
ReasoningEffort = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Image:
    """One picture of a user's message; `data` are the decoded bytes, `mime_type` say `image/png`."""

    data: bytes
    mime_type: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's request to run a tool. `arguments` is JSON text of an object, as in OpenAI's wire."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `content` is text ("" when there is none); `developer` is already `system`.

    An assistant's turn may bear `tool_calls`; a `tool` turn bears the `tool_call_id` it answers.
    """

    role: Role
    content: str = ""
    images: tuple[Image, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None


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


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One validated chat request, free of any vendor's words. None means: the caller did not say."""

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


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call. The first piece of an `index` bears `id` and `name`; `arguments` are appended."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one completion. `cached_tokens` and `reasoning_tokens` are parts of the counts beside them."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    source: Literal["provider", "estimated"] = "provider"


@dataclass(frozen=True, slots=True)
class ChatChunk:
    """One step of a completion.

    `text` and `reasoning` are new characters only, never the text so far. `usage` is the total of the
    request so far; the last one wins. `rewritten` says that the provider revised text already sent.
    A chunk with nothing in it is a tick: the provider has been silent for `TICK_S` (see base.py).
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: FinishReason | None = None
    native_finish_reason: str | None = None
    usage: Usage | None = None
    rewritten: bool = False


TICK = ChatChunk()


@dataclass(frozen=True, slots=True)
class Embedding:
    """Vectors in the order of the inputs."""

    vectors: tuple[tuple[float, ...], ...]
    prompt_tokens: int
