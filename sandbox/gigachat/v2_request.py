"""Reading the body of GigaChat's POST /v2/chat/completions, and refusing what is wrong in it.

Source: reference of the second form of November 2026, sections 2 to 4, 7 and 9.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from sandbox.core.conversation import Call, Conversation, Speaker, ToolResult, Turn
from sandbox.core.fields import (
    WrongField,
    WrongType,
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
from sandbox.gigachat.files import FileStore
from sandbox.gigachat.models import GigaChatModelCard
from sandbox.gigachat.v2_refusals import V2Refused
from sandbox.gigachat.v2_tools import (
    V2ToolChoice,
    check_schema,
    read_call,
    read_result,
    read_tool_choice,
)

_FIELDS = (
    "model", "messages", "model_options", "tools", "tool_config", "stream", "disable_filter",
    "ranker_options", "user_info", "flags", "filter_config", "tools_state_id",
)  # fmt: skip
_OPTIONS = (
    "temperature", "top_p", "max_tokens", "repetition_penalty", "update_interval", "top_logprobs",
    "unnormalized_history", "parallel_tool_calls", "reasoning", "response_format",
)  # fmt: skip
_SPEAKERS: dict[str, Speaker] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
    "reasoning": "assistant",
}
_STATES = ("tools_state_id", "tool_state_id", "functions_state_id")
_PARTS = {
    "system": ("text",),
    "user": ("text", "files"),
    "assistant": ("text", "function_call", "files"),
    "tool": ("function_result",),
    "function": ("function_result",),
    "reasoning": ("text",),
}
_EFFORTS = ("low", "medium", "high", "off")
_MOST_IMAGES = 10
_NO_RESULT = "every assistant function call must have a result in history"
_NO_CALL = "every assistant function result must have an assistant function call in history"


@dataclass(frozen=True, slots=True)
class GigaChatV2ChatRequest:
    """A request that was found good."""

    conversation: Conversation
    stream: bool
    interval_s: float
    thinks: bool
    builtin: str | None
    top_logprobs: int


@dataclass(frozen=True, slots=True)
class _Demand:
    """What `response_format` demands of the answer; `wants_json` is any object."""

    schema: dict[str, Any] | None = None
    pattern: str | None = None
    wants_json: bool = False


def read_v2_chat(
    body: dict[str, Any], card: GigaChatModelCard, files: FileStore, *, strict: bool
) -> GigaChatV2ChatRequest:
    """Return the chat that a body asks of a model.

    Raises WrongType (400), WrongField (422: a value, or the history), V2Refused.
    """
    only_known(body, _FIELDS, "the request", strict=strict)
    options = as_object(body.get("model_options", {}), "model_options")
    only_known(options, _OPTIONS, "model_options", strict=strict)
    _check_sampling(options)
    choice = read_tool_choice(body, strict=strict)
    turns = _History(files, strict=strict)
    for index, message in enumerate(as_list(body.get("messages"), "messages")):
        turns.take(index, as_object(message, "message"))
    turns.end(card)
    demand = _read_format(options, card)
    reasoning = _read_effort(options, strict=strict)
    return GigaChatV2ChatRequest(
        _conversation(turns.turns, choice, options, demand),
        stream=as_flag(body.get("stream", False), "stream"),
        interval_s=float(options.get("update_interval", 0)),
        thinks=reasoning != "off" and (card.reasoning or reasoning is not None),
        builtin=choice.builtin,
        top_logprobs=as_whole(options.get("top_logprobs", 0), "top_logprobs", 0, 5),
    )


def _conversation(
    turns: list[Turn],
    choice: V2ToolChoice,
    options: dict[str, Any],
    demand: _Demand,
) -> Conversation:
    return Conversation(
        tuple(turns),
        choice.functions,
        must_call=choice.must_call,
        forced_tool=choice.forced,
        parallel=as_flag(options.get("parallel_tool_calls", False), "parallel_tool_calls"),
        schema=demand.schema,
        pattern=demand.pattern,
        wants_json=demand.wants_json,
        max_tokens=options.get("max_tokens"),
    )


def _check_sampling(options: dict[str, Any]) -> None:
    for name in ("temperature", "repetition_penalty"):
        if name in options:
            value = as_number(options[name], name)
            if not math.isfinite(value) or value <= 0:
                raise WrongField(f"{name} must be in range (0, +inf)")
    if "top_p" in options and not 0 <= as_number(options["top_p"], "top_p") <= 1:
        raise WrongField("top_p must be in range [0, 1]")
    if "max_tokens" in options:
        as_whole(options["max_tokens"], "max_tokens", 1, 2**31 - 1)
    if as_number(options.get("update_interval", 0), "update_interval") < 0:
        raise WrongField("update_interval must be in range [0, +inf)")
    as_flag(options.get("unnormalized_history", False), "unnormalized_history")


def _read_effort(options: dict[str, Any], *, strict: bool) -> str | None:
    if "reasoning" not in options:
        return None
    reasoning = as_object(options["reasoning"], "reasoning")
    only_known(reasoning, ("effort", "max_tokens"), "reasoning", strict=strict)
    if "max_tokens" in reasoning:
        as_whole(reasoning["max_tokens"], "reasoning.max_tokens", 1, 2**31 - 1)
    return as_one_of(reasoning.get("effort", "medium"), "reasoning.effort", _EFFORTS)


def _read_format(options: dict[str, Any], card: GigaChatModelCard) -> _Demand:
    if "response_format" not in options:
        return _Demand()
    wanted = as_object(options["response_format"], "response_format")
    kind = as_text(wanted.get("type"), "response_format.type")
    fields = {"text": ("type",), "json_schema": ("type", "schema", "strict")}
    if kind not in ("text", "json_schema", "regex"):
        raise V2Refused(400, f'Unknown type "{kind}" in response_format')
    only_known(wanted, fields.get(kind, ("type", "regex")), "response_format", strict=True)
    if kind == "text":
        return _Demand()
    if not card.structured_output:
        raise WrongField("Requested model does not support response_format")
    if kind == "regex":
        return _Demand(pattern=_pattern(wanted.get("regex")))
    as_flag(wanted.get("strict", False), "response_format.strict")
    if not wanted.get("schema"):
        raise V2Refused(400, "Empty schema with json format type is not supported")
    schema = as_schema(wanted["schema"], "response_format.schema")
    if schema == {"type": "object"}:
        return _Demand(wants_json=True)
    check_schema(schema)
    return _Demand(schema)


def _pattern(value: Any) -> str:
    pattern = as_text(value, "response_format.regex", empty=False)
    try:
        re.compile(pattern)
    except re.error as error:
        raise WrongField(f"response_format.regex: {error}") from error
    return pattern


class _History:
    """The messages read so far, and the calls of the last turn that wait for their results."""

    def __init__(self, files: FileStore, *, strict: bool) -> None:
        self.turns: list[Turn] = []
        self._files = files
        self._strict = strict
        self._images = 0
        self._waiting: list[tuple[str | None, Call]] = []

    def take(self, index: int, message: dict[str, Any]) -> None:
        """Read the next message."""
        role = as_text(message.get("role"), "role")
        if role not in _SPEAKERS:
            raise WrongType("role is none of the known")
        if role == "system" and index > 0:
            raise WrongField("system message must be the first message")
        only_known(message, ("role", "content", "message_id", *_STATES), role, strict=self._strict)
        for state in _STATES:
            as_text(message.get(state, ""), state)
        parts = [as_object(part, "part") for part in as_list(message.get("content"), "content")]
        for part in parts:
            only_known(part, (*_PARTS[role], "inline_data"), "part", strict=self._strict)
            if len(part.keys() & {"text", "files", "function_call", "function_result"}) != 1:
                raise WrongType("a part holds one thing")
        if _SPEAKERS[role] == "tool":
            self._answer([part["function_result"] for part in parts])
            return
        if self._waiting:
            raise WrongField(_NO_RESULT)
        text = "".join(as_text(part["text"], "text") for part in parts if "text" in part)
        calls = [part["function_call"] for part in parts if "function_call" in part]
        self._waiting = [read_call(call, strict=self._strict) for call in calls]
        ids = [identity for identity, _ in self._waiting if identity is not None]
        if len(set(ids)) < len(ids):
            raise WrongField("ids of function calls must differ")
        described = self._described(parts)
        made = tuple(call for _, call in self._waiting)
        self.turns.append(Turn(_SPEAKERS[role], text, made, files=described))

    def end(self, card: GigaChatModelCard) -> None:
        """Check what only the whole history tells."""
        if self._waiting:
            raise WrongField(_NO_RESULT)
        if self._images and not card.images:
            raise WrongField("Requested model does not support images")
        if self._images > _MOST_IMAGES:
            raise WrongField(f"only {_MOST_IMAGES} images are allowed in a session")

    def _answer(self, given: list[Any]) -> None:
        results: list[ToolResult] = []
        for value in given:
            identity, result = read_result(value, strict=self._strict)
            call = next(
                (
                    (own, call)
                    for own, call in self._waiting
                    if call.name == result.name and own == identity
                ),
                None,
            )
            if call is None:
                raise WrongField(_NO_CALL)
            self._waiting.remove(call)
            results.append(result)
        earlier = self.turns.pop().results if self.turns and self.turns[-1].results else ()
        self.turns.append(Turn("tool", results=(*earlier, *results)))

    def _described(self, parts: list[dict[str, Any]]) -> tuple[str, ...]:
        named = [
            as_object(file, "file")
            for part in parts
            for file in as_list(part.get("files", []), "files", empty=True)
        ]
        attached = [self._files.attached(file.get("id")) for file in named]
        images = sum(file.is_image for file in attached)
        if images > 1:
            raise WrongField("only one image is allowed in a message")
        self._images += images
        return tuple(file.described() for file in attached)
