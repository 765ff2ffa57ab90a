"""OpenAI's chat body → ChatOrder: all validation of the edge, every refusal naming its field."""

from typing import Any, cast

from gateway.api import fields
from gateway.api.messages import read_messages
from gateway.api.preferences import read_preferences
from gateway.api.tools import read_response_format, read_tool_choice, read_tools
from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.order import ChatOrder
from gateway.providers.chat_types import ChatRequest, Message, ReasoningEffort

MAX_TOKENS = 10_000_000
MAX_MODELS = 10
MAX_MODEL_CHARACTERS = 128
MAX_STOPS = 4
MAX_STOP_CHARACTERS = 256
MAX_BIASES = 1024
MAX_METADATA = 16
MAX_LINE_CHARACTERS = 512
MAX_UNKNOWN = 32
MAX_NAME_CHARACTERS = 64
MAX_PROMPT_CHARACTERS = 20_000_000

_MEANT = frozenset(
    {
        "model",
        "models",
        "messages",
        "prompt",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "seed",
        "stop",
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "n",
        "tools",
        "transforms",
        "tool_choice",
        "parallel_tool_calls",
        "functions",
        "function_call",
        "response_format",
        "reasoning_effort",
        "reasoning",
        "provider",
        "route",
        "usage",
        "user",
        "session_id",
        "prompt_cache_key",
        "metadata",
    }
)
_NEUTRAL: dict[str, Any] = {
    "store": False,
    "service_tier": "auto",
    "modalities": ["text"],
    "best_of": 1,
    "echo": False,
    "suffix": "",
}


def read_order(body: dict[str, Any], *, is_strict: bool) -> ChatOrder:
    """Read a chat body. Raises InvalidParameter, UnsupportedContent."""
    preferences, is_collection_denied = read_preferences(body)
    fields.choice(body, "route", ("fallback",))
    tools = read_tools(body)
    _read_metadata(body)
    request = ChatRequest(
        messages=_read_prompt(body),
        stream=fields.flag(body, "stream") is True,
        max_tokens=_read_max_tokens(body),
        temperature=fields.number(body, "temperature", minimum=0, maximum=2),
        top_p=fields.number(body, "top_p", minimum=0, maximum=1),
        top_k=fields.whole(body, "top_k", minimum=0, maximum=1_000_000),
        min_p=fields.number(body, "min_p", minimum=0, maximum=1),
        seed=fields.whole(body, "seed", minimum=-(2**63), maximum=2**63 - 1),
        stop=fields.texts(body, "stop", most=MAX_STOPS, longest=MAX_STOP_CHARACTERS) or (),
        frequency_penalty=fields.number(body, "frequency_penalty", minimum=-2, maximum=2),
        presence_penalty=fields.number(body, "presence_penalty", minimum=-2, maximum=2),
        repetition_penalty=fields.number(body, "repetition_penalty", minimum=0, maximum=2),
        logit_bias=_read_logit_bias(body),
        logprobs=fields.flag(body, "logprobs"),
        top_logprobs=fields.whole(body, "top_logprobs", minimum=0, maximum=20),
        n=_read_choices(body),
        tools=tools,
        tool_choice=read_tool_choice(body, tools),
        parallel_tool_calls=fields.flag(body, "parallel_tool_calls"),
        response_format=read_response_format(body),
        reasoning_effort=_read_effort(body),
        data_collection="deny" if is_collection_denied else "allow",
        session_id=_read_session(body),
    )
    return ChatOrder(
        request=request,
        models=_read_models(body),
        preferences=preferences,
        is_strict=is_strict,
        is_middle_out="middle-out" in _read_transforms(body),
        ignored=_ignored(body, request),
    )


def _ignored(body: dict[str, Any], request: ChatRequest) -> tuple[str, ...]:
    """Name what means nothing here; no provider knows the names of speakers."""
    unknown = [
        name
        for name, value in body.items()
        if name not in _MEANT
        and value is not None
        and not (name in _NEUTRAL and value == _NEUTRAL[name])
    ]
    if len(unknown) > MAX_UNKNOWN or any(len(name) > MAX_NAME_CHARACTERS for name in unknown):
        raise InvalidParameter(
            f"The body has too many fields that mean nothing here: {MAX_UNKNOWN} of"
            f" {MAX_NAME_CHARACTERS} characters are the most.",
        )
    has_names = any(message.name and message.role != "tool" for message in request.messages)
    return (*unknown, "messages.name") if has_names else tuple(unknown)


def wants_usage_chunk(body: dict[str, Any]) -> bool:
    """Say whether the caller asked for a last chunk of usage alone."""
    options = fields.mapping(body, "stream_options") or {}
    usage = fields.mapping(body, "usage") or {}
    asked = fields.flag(options, "include_usage", path="stream_options.")
    return bool(asked) | bool(fields.flag(usage, "include", path="usage."))


def _read_models(body: dict[str, Any]) -> tuple[str, ...]:
    first = fields.text(body, "model", longest=MAX_MODEL_CHARACTERS)
    rest = fields.texts(body, "models", most=MAX_MODELS, longest=MAX_MODEL_CHARACTERS) or ()
    models = (first, *rest) if first else rest
    if not models:
        raise InvalidParameter("model is missing: GET /v1/models lists them.", param="model")
    return tuple(dict.fromkeys(models))


def _read_prompt(body: dict[str, Any]) -> tuple[Message, ...]:
    prompt = fields.text(body, "prompt", longest=MAX_PROMPT_CHARACTERS)
    has_messages = body.get("messages") is not None
    if (prompt is None) == (not has_messages):
        raise InvalidParameter("Send messages or prompt: exactly one of them.", param="messages")
    if prompt is None:
        return read_messages(body)
    if not prompt:
        raise InvalidParameter("prompt is empty.", param="prompt")
    return (Message("user", prompt),)


def _read_transforms(body: dict[str, Any]) -> tuple[str, ...]:
    transforms = fields.items(body, "transforms", most=1) or []
    if transforms not in ([], ["middle-out"]):
        raise InvalidParameter('transforms may be [] or ["middle-out"].', param="transforms")
    return tuple(transforms)


def _read_choices(body: dict[str, Any]) -> int:
    choices = fields.whole(body, "n", minimum=1, maximum=128) or 1
    if choices > 1:
        raise InvalidParameter(
            "n must be 1: a request has one answer. Send several requests.", param="n"
        )
    return choices


def _read_max_tokens(body: dict[str, Any]) -> int | None:
    newer = fields.whole(body, "max_completion_tokens", minimum=1, maximum=MAX_TOKENS)
    older = fields.whole(body, "max_tokens", minimum=1, maximum=MAX_TOKENS)
    return older if newer is None else newer


def _read_logit_bias(body: dict[str, Any]) -> dict[str, float] | None:
    biases = fields.mapping(body, "logit_bias")
    if biases is None:
        return None
    if len(biases) > MAX_BIASES:
        raise InvalidParameter(
            f"logit_bias must have {MAX_BIASES} entries at most.", param="logit_bias"
        )
    return {
        token: fields.number(biases, token, minimum=-100, maximum=100, path="logit_bias.") or 0
        for token in biases
    }


def _read_effort(body: dict[str, Any]) -> ReasoningEffort | None:
    reasoning = fields.mapping(body, "reasoning") or {}
    efforts = ("none", "minimal", "low", "medium", "high", "xhigh")
    effort = fields.choice(body, "reasoning_effort", efforts) or fields.choice(
        reasoning, "effort", efforts, path="reasoning."
    )
    nearest = {"minimal": "low", "xhigh": "high", "none": None}
    return cast("ReasoningEffort | None", nearest.get(effort, effort) if effort else None)


def _read_session(body: dict[str, Any]) -> str | None:
    """Return what the caller says of the dialogue: it keeps the provider's cache warm."""
    session = None
    for name in ("user", "prompt_cache_key", "session_id"):
        session = fields.text(body, name, longest=MAX_LINE_CHARACTERS, is_line=True) or session
    return session


def _read_metadata(body: dict[str, Any]) -> None:
    metadata = fields.mapping(body, "metadata") or {}
    if len(metadata) > MAX_METADATA:
        raise InvalidParameter(
            f"metadata must have {MAX_METADATA} entries at most.", param="metadata"
        )
    for name in metadata:
        if len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
            raise InvalidParameter(
                f"metadata: a name has {MAX_NAME_CHARACTERS} printable characters at most.",
                param="metadata",
            )
        fields.text(metadata, name, longest=MAX_LINE_CHARACTERS, path="metadata.", is_line=True)
