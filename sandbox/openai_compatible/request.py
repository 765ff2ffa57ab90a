"""Reading a Chat Completions body, and refusing what is wrong in it.

Source: OpenAI's API reference, chat/create; vLLM's ChatCompletionRequest and SamplingParams; November
2026.
"""

import math
from dataclasses import dataclass
from typing import Any

from sandbox.core.conversation import Conversation, OfferedTool
from sandbox.core.fields import (
    WrongField,
    as_flag,
    as_list,
    as_number,
    as_object,
    as_one_of,
    as_schema,
    as_text,
    as_whole,
    only_known,
)
from sandbox.openai_compatible.messages import NAME, read_messages
from sandbox.openai_compatible.models import OpenAIModelCard

_FIELDS = (
    "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens",
    "temperature", "top_p", "top_k", "min_p", "seed", "stop", "frequency_penalty",
    "presence_penalty", "repetition_penalty", "logit_bias", "logprobs", "top_logprobs", "n",
    "tools", "tool_choice", "parallel_tool_calls", "response_format", "reasoning_effort", "user",
)  # fmt: skip
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class _Range:
    """The numbers that a parameter takes; an open one leaves its least out."""

    least: float
    most: float
    is_open: bool = False


_RANGES = {
    "temperature": _Range(0, 2),
    "top_p": _Range(0, 1, is_open=True),
    "min_p": _Range(0, 1),
    "frequency_penalty": _Range(-2, 2),
    "presence_penalty": _Range(-2, 2),
    "repetition_penalty": _Range(0, 2, is_open=True),
}


@dataclass(frozen=True, slots=True)
class OpenAIChatRequest:
    """A request that was found good. `tells_usage` is when a stream tells it."""

    conversation: Conversation
    stream: bool
    tells_usage: tuple[str, ...]
    stop: tuple[str, ...]
    reasons: bool


@dataclass(frozen=True, slots=True)
class _ToolChoice:
    """The tools on offer and how one is to be chosen."""

    tools: tuple[OfferedTool, ...] = ()
    must_call: bool = False
    forced: str | None = None


def read_chat(body: dict[str, Any], card: OpenAIModelCard, *, strict: bool) -> OpenAIChatRequest:
    """Return the chat that a body asks of a model. Raises WrongField."""
    only_known(body, _FIELDS, "the request", strict=strict)
    _check_sampling(body)
    turns, images = read_messages(body.get("messages"), strict=strict)
    if images > card.images:
        raise WrongField(f"At most {card.images} image(s) may be provided in one prompt.")
    demand = _read_tools(body, strict=strict)
    schema, wants_json = _read_format(body, strict=strict)
    stream = as_flag(body.get("stream", False), "stream")
    conversation = Conversation(
        turns,
        demand.tools,
        must_call=demand.must_call,
        forced_tool=demand.forced,
        parallel=as_flag(body.get("parallel_tool_calls", True), "parallel_tool_calls"),
        schema=schema,
        wants_json=wants_json,
        max_tokens=_read_limit(body),
    )
    return OpenAIChatRequest(
        conversation,
        stream,
        _read_stream_options(body, stream=stream, strict=strict),
        _stop(body),
        reasons=body.get("reasoning_effort") != "none",
    )


def _check_sampling(body: dict[str, Any]) -> None:
    for name, limits in _RANGES.items():
        if name in body:
            value = as_number(body[name], name)
            is_low = value <= limits.least if limits.is_open else value < limits.least
            if not math.isfinite(value) or is_low or value > limits.most:
                opening = "(" if limits.is_open else "["
                raise WrongField(f"{name} must be in {opening}{limits.least}, {limits.most}]")
    as_whole(body.get("top_k", 0), "top_k", -1, _INT64)
    as_whole(body.get("seed", 0), "seed", -_INT64, _INT64 - 1)
    as_whole(body.get("n", 1), "n", 1, 1)
    as_text(body.get("user", ""), "user")
    if as_flag(body.get("logprobs", False), "logprobs") or "top_logprobs" in body:
        raise WrongField("Requested sample logprobs of 1, which is greater than max allowed: 0")
    for token, bias in as_object(body.get("logit_bias", {}), "logit_bias").items():
        if not token.isdecimal() or not -100 <= as_number(bias, "logit_bias") <= 100:
            raise WrongField("logit_bias must map token ids to numbers in [-100, 100]")
    if "reasoning_effort" in body:
        as_one_of(body["reasoning_effort"], "reasoning_effort", _EFFORTS)


def _read_limit(body: dict[str, Any]) -> int | None:
    limits = [
        as_whole(body[name], name, 1, _INT64)
        for name in ("max_tokens", "max_completion_tokens")
        if name in body
    ]
    return min(limits) if limits else None


def _stop(body: dict[str, Any]) -> tuple[str, ...]:
    stop = body.get("stop", [])
    listed = [stop] if isinstance(stop, str) else as_list(stop, "stop", empty=True)
    return tuple(as_text(item, "stop", empty=False) for item in listed)


def _read_stream_options(body: dict[str, Any], *, stream: bool, strict: bool) -> tuple[str, ...]:
    if "stream_options" not in body:
        return ()
    if not stream:
        raise WrongField("Stream options can only be defined when `stream=True`.")
    options = as_object(body["stream_options"], "stream_options")
    known = ("include_usage", "continuous_usage_stats")
    only_known(options, known, "stream_options", strict=strict)
    return tuple(name for name in known if as_flag(options.get(name, False), name))


def _read_tools(body: dict[str, Any], *, strict: bool) -> _ToolChoice:
    if "tools" not in body:
        for name in ("tool_choice", "parallel_tool_calls"):
            if name in body:
                raise WrongField(f"'{name}' is only allowed when 'tools' are specified.")
        return _ToolChoice()
    tools = tuple(
        _read_tool(tool, f"tools[{index}]", strict=strict)
        for index, tool in enumerate(as_list(body["tools"], "tools"))
    )
    names = {tool.name for tool in tools}
    if len(names) < len(tools):
        raise WrongField("tools must have different names")
    match body.get("tool_choice", "auto"):
        case "none":
            return _ToolChoice()
        case "auto":
            return _ToolChoice(tools)
        case "required":
            return _ToolChoice(tools, must_call=True)
        case dict() as choice:
            only_known(choice, ("type", "function"), "tool_choice", strict=strict)
            as_one_of(choice.get("type"), "tool_choice.type", ("function",))
            function = as_object(choice.get("function"), "tool_choice.function")
            only_known(function, ("name",), "tool_choice.function", strict=strict)
            name = as_text(function.get("name"), "tool_choice.function.name")
            if name not in names:
                raise WrongField(
                    "The tool specified in `tool_choice` does not match any of `tools`"
                )
            return _ToolChoice(tools, must_call=True, forced=name)
        case _:
            raise WrongField("tool_choice must be none, auto, required or a named tool")


def _read_tool(value: Any, where: str, *, strict: bool) -> OfferedTool:
    tool = as_object(value, where)
    only_known(tool, ("type", "function"), where, strict=strict)
    as_one_of(tool.get("type"), f"{where}.type", ("function",))
    function = as_object(tool.get("function"), f"{where}.function")
    known = ("name", "description", "parameters", "strict")
    only_known(function, known, f"{where}.function", strict=strict)
    name = as_text(function.get("name"), f"{where}.function.name")
    if not NAME.fullmatch(name):
        raise WrongField(f"{where}.function.name does not match {NAME.pattern}")
    as_flag(function.get("strict", False), f"{where}.function.strict")
    description = as_text(function.get("description", ""), f"{where}.function.description")
    parameters = as_schema(function.get("parameters", {}), f"{where}.function.parameters")
    return OfferedTool(name, description, parameters)


def _read_format(body: dict[str, Any], *, strict: bool) -> tuple[dict[str, Any] | None, bool]:
    """Return the schema of the answer, and whether it is to be any JSON object."""
    if "response_format" not in body:
        return None, False
    wanted = as_object(body["response_format"], "response_format")
    kinds = ("text", "json_object", "json_schema")
    kind = as_one_of(wanted.get("type"), "response_format.type", kinds)
    if kind != "json_schema":
        only_known(wanted, ("type",), "response_format", strict=strict)
        return None, kind == "json_object"
    only_known(wanted, ("type", "json_schema"), "response_format", strict=strict)
    where = "response_format.json_schema"
    inner = as_object(wanted.get("json_schema"), where)
    only_known(inner, ("name", "description", "schema", "strict"), where, strict=strict)
    if not NAME.fullmatch(as_text(inner.get("name"), f"{where}.name")):
        raise WrongField(f"{where}.name does not match {NAME.pattern}")
    as_text(inner.get("description", ""), f"{where}.description")
    as_flag(inner.get("strict", False), f"{where}.strict")
    return as_schema(inner.get("schema"), f"{where}.schema"), False
