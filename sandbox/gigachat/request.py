"""Reading the body of GigaChat's POST /chat/completions, and refusing what is wrong in it.

Source: GigaChat reference of November 2026, sections 5 to 7, 11 and 14.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from sandbox.core.conversation import Call, Conversation, Speaker, ToolResult, Turn
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
from sandbox.gigachat.files import FileStore
from sandbox.gigachat.functions import FunctionChoice, check_result, read_call, read_function_choice
from sandbox.gigachat.models import GigaChatModelCard

_FIELDS = (
    "model", "messages", "temperature", "top_p", "max_tokens", "repetition_penalty", "n", "stream",
    "update_interval", "functions", "function_call", "response_format", "reasoning_effort",
    "profanity_check",
)  # fmt: skip
_ROLE_FIELDS = {
    "system": ("role", "content"),
    "user": ("role", "content", "attachments"),
    "assistant": ("role", "content", "function_call", "functions_state_id"),
    "function": ("role", "content", "name"),
}
_SPEAKERS: dict[str, Speaker] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "function": "tool",
}
_MOST_IMAGES = 10
_NO_RESULT = "every assistant function call must have a result in history"
_NO_CALL = "every assistant function result must have an assistant function call in history"


@dataclass(frozen=True, slots=True)
class GigaChatChatRequest:
    """A request that was found good."""

    conversation: Conversation
    stream: bool
    choices: int
    interval_s: float
    allows_builtin: bool


def read_chat(
    body: dict[str, Any], card: GigaChatModelCard, files: FileStore, *, strict: bool
) -> GigaChatChatRequest:
    """Return the chat that a body asks of a model. Raises WrongField."""
    only_known(body, _FIELDS, "the request", strict=strict)
    _check_sampling(body)
    if "functions" in body and not card.functions:
        raise WrongField("Requested model does not support functions")
    choice = read_function_choice(body, strict=strict)
    turns = _read_messages(body.get("messages"), files, strict=strict)
    _check_images(turns, card)
    schema, pattern = _read_format(body, card)
    most = body.get("max_tokens")
    return GigaChatChatRequest(
        _conversation(turns, choice, schema, pattern, most),
        stream=as_flag(body.get("stream", False), "stream"),
        choices=as_whole(body.get("n", 1), "n", 1, 4),
        interval_s=_number_from(body, "update_interval", 0, inclusive=True),
        allows_builtin=choice.builtin,
    )


def _conversation(
    turns: list[tuple[Turn, int]],
    choice: FunctionChoice,
    schema: dict[str, Any] | None,
    pattern: str | None,
    max_tokens: int | None,
) -> Conversation:
    return Conversation(
        tuple(turn for turn, _ in turns),
        choice.functions,
        must_call=choice.forced is not None,
        forced_tool=choice.forced,
        fixed_arguments=choice.fixed_arguments,
        schema=schema,
        pattern=pattern,
        max_tokens=max_tokens,
    )


def _check_sampling(body: dict[str, Any]) -> None:
    _number_from(body, "temperature", 0)
    _number_from(body, "repetition_penalty", 0)
    if "top_p" in body and not 0 <= as_number(body["top_p"], "top_p") <= 1:
        raise WrongField("top_p must be in range [0, 1]")
    if "max_tokens" in body:
        as_whole(body["max_tokens"], "max_tokens", 1, 2**31 - 1)
    if "profanity_check" in body:
        as_flag(body["profanity_check"], "profanity_check")


def _number_from(
    body: dict[str, Any], name: str, least: float, *, inclusive: bool = False
) -> float:
    if name not in body:
        return 0.0
    value = as_number(body[name], name)
    if not math.isfinite(value) or value < least or (value == least and not inclusive):
        raise WrongField(f"{name} must be in range {'[' if inclusive else '('}{least}, +inf)")
    return value


def _read_format(
    body: dict[str, Any], card: GigaChatModelCard
) -> tuple[dict[str, Any] | None, str | None]:
    """Return the schema and the regular expression demanded of the answer."""
    if "reasoning_effort" in body:
        as_one_of(body["reasoning_effort"], "reasoning_effort", ("low", "medium", "high"))
        if not card.reasoning:
            raise WrongField("Requested model does not support reasoning_effort")
    if "response_format" not in body:
        return None, None
    wanted = as_object(body["response_format"], "response_format")
    kind = as_one_of(wanted.get("type"), "response_format.type", ("text", "json_schema", "regex"))
    fields = {"text": ("type",), "json_schema": ("type", "schema", "strict")}
    # These shapes are checked by the service itself, so they hold without strictness too.
    only_known(wanted, fields.get(kind, ("type", "regex")), "response_format", strict=True)
    if kind == "text":
        return None, None
    if not card.structured_output:
        raise WrongField("Requested model does not support response_format")
    if kind == "regex":
        return None, _pattern(wanted.get("regex"))
    as_flag(wanted.get("strict", False), "response_format.strict")
    return as_schema(wanted.get("schema"), "response_format.schema"), None


def _pattern(value: Any) -> str:
    pattern = as_text(value, "response_format.regex", empty=False)
    try:
        re.compile(pattern)
    except re.error as error:
        raise WrongField(f"response_format.regex: {error}") from error
    return pattern


def _read_messages(value: Any, files: FileStore, *, strict: bool) -> list[tuple[Turn, int]]:
    """Return the turns, each with its number of images."""
    turns: list[tuple[Turn, int]] = []
    waiting: Call | None = None
    for index, item in enumerate(as_list(value, "messages")):
        where = f"messages[{index}]"
        message = as_object(item, where)
        role = as_one_of(message.get("role"), f"{where}.role", tuple(_ROLE_FIELDS))
        if role == "system" and index > 0:
            raise WrongField("system message must be the first message")
        only_known(message, _ROLE_FIELDS[role], where, strict=strict)
        content = as_text(message.get("content"), f"{where}.content")
        calls: tuple[Call, ...] = ()
        results: tuple[ToolResult, ...] = ()
        if role == "function":
            name = as_text(message.get("name"), f"{where}.name")
            if waiting is None or waiting.name != name:
                raise WrongField(_NO_CALL)
            check_result(content)
            results = (ToolResult(name, content),)
        elif waiting is not None:
            raise WrongField(_NO_RESULT)
        if role == "assistant" and "function_call" in message:
            calls = (read_call(message["function_call"], strict=strict),)
            as_text(message.get("functions_state_id", ""), f"{where}.functions_state_id")
        waiting = calls[0] if calls else None
        ids = as_list(message.get("attachments", []), f"{where}.attachments", empty=True)
        attached = [files.attached(file_id) for file_id in ids]
        images = sum(file.is_image for file in attached)
        if images > 1:
            raise WrongField(f"{where}: only one image is allowed in a message")
        text = "" if role == "function" else content
        described = tuple(file.described() for file in attached)
        turns.append((Turn(_SPEAKERS[role], text, calls, results, described), images))
    if waiting is not None:
        raise WrongField(_NO_RESULT)
    return turns


def _check_images(turns: list[tuple[Turn, int]], card: GigaChatModelCard) -> None:
    images = sum(count for _, count in turns)
    if images and not card.images:
        raise WrongField("Requested model does not support images")
    if images > _MOST_IMAGES:
        raise WrongField(f"only {_MOST_IMAGES} images are allowed in a request")
