"""Reading the messages of a Yandex completion and the tools it offers.

Source: YandexGPT reference of November 2026, sections 4, 6 and 14.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sandbox.core.conversation import Call, OfferedTool, Speaker, ToolResult, Turn
from sandbox.core.fields import (
    WrongField,
    as_flag,
    as_list,
    as_object,
    as_one_of,
    as_schema,
    as_text,
)
from sandbox.yandexgpt.fields import at_most_one, read_object

_SPEAKERS: dict[str, Speaker] = {"system": "system", "user": "user", "assistant": "assistant"}
_CONTENTS = ("text", "toolCallList", "toolResultList")
_MODES = ("NONE", "AUTO", "REQUIRED")


@dataclass(frozen=True, slots=True)
class ToolDemand:
    """The tools on offer and how one is to be chosen."""

    tools: tuple[OfferedTool, ...] = ()
    must_call: bool = False
    forced: str | None = None


def read_messages(value: Any, *, strict: bool) -> tuple[Turn, ...]:
    """Return the turns of a chat. Raises WrongField."""
    turns: list[Turn] = []
    for index, message in enumerate(as_list(value, "messages")):
        turn = _read_message(message, f"messages[{index}]", strict=strict)
        if turn.results:
            _check_results(turn, turns[-1] if turns else None)
        turns.append(turn)
    return tuple(turns)


def read_tools(fields: dict[str, Any], *, strict: bool) -> ToolDemand:
    """Return what `tools` and `toolChoice` ask for. Raises WrongField."""
    listed = as_list(fields.get("tools", []), "tools", empty=True)
    tools = tuple(
        _read_tool(item, f"tools[{index}]", strict=strict) for index, item in enumerate(listed)
    )
    names = {tool.name for tool in tools}
    if len(names) < len(tools):
        raise WrongField("tools must have different names")
    if "toolChoice" not in fields:
        return ToolDemand(tools)
    choice = read_object(
        fields["toolChoice"], ("mode", "functionName"), "toolChoice", strict=strict
    )
    match at_most_one(choice, ("mode", "functionName"), "toolChoice"):
        case "mode":
            mode = as_one_of(choice["mode"], "toolChoice.mode", _MODES)
            return ToolDemand(() if mode == "NONE" else tools, must_call=mode == "REQUIRED")
        case "functionName":
            name = as_text(choice["functionName"], "toolChoice.functionName")
            if name not in names:
                raise WrongField(f"toolChoice names {name}, which is not in tools")
            return ToolDemand(tools, must_call=True, forced=name)
        case _:
            raise WrongField("toolChoice must have mode or functionName")


def _read_message(value: Any, where: str, *, strict: bool) -> Turn:
    if isinstance(value, dict) and "content" in value and not {*_CONTENTS} & {*value}:
        raise WrongField("empty message text")
    message = read_object(value, ("role", *_CONTENTS), where, strict=strict)
    role = as_one_of(message.get("role"), f"{where}.role", tuple(_SPEAKERS))
    match at_most_one(message, _CONTENTS, where):
        case "toolCallList":
            if role != "assistant":
                raise WrongField(f"{where}: only the assistant calls tools")
            inner = read_object(message["toolCallList"], ("toolCalls",), where, strict=strict)
            calls = as_list(inner.get("toolCalls"), f"{where}.toolCalls")
            tool_calls = tuple(_read_call(call, where, strict=strict) for call in calls)
            return Turn("assistant", calls=tool_calls)
        case "toolResultList":
            if role != "user":
                raise WrongField(f"{where}: results of tools come from the user")
            inner = read_object(message["toolResultList"], ("toolResults",), where, strict=strict)
            results = as_list(inner.get("toolResults"), f"{where}.toolResults")
            found = tuple(_read_result(result, where, strict=strict) for result in results)
            return Turn("tool", results=found)
        case _:
            if message.get("text", "") == "":
                raise WrongField("empty message text")
            return Turn(_SPEAKERS[role], as_text(message["text"], f"{where}.text"))


def _read_call(value: Any, where: str, *, strict: bool) -> Call:
    outer = read_object(value, ("functionCall",), f"{where}.toolCalls", strict=strict)
    call = read_object(
        outer.get("functionCall"), ("name", "arguments"), f"{where}.functionCall", strict=strict
    )
    name = as_text(call.get("name"), f"{where}.functionCall.name", empty=False)
    return Call(name, as_object(call.get("arguments"), f"{where}.functionCall.arguments"))


def _read_result(value: Any, where: str, *, strict: bool) -> ToolResult:
    outer = read_object(value, ("functionResult",), f"{where}.toolResults", strict=strict)
    result = read_object(
        outer.get("functionResult"), ("name", "content"), f"{where}.functionResult", strict=strict
    )
    name = as_text(result.get("name"), f"{where}.functionResult.name", empty=False)
    return ToolResult(name, as_text(result.get("content"), f"{where}.functionResult.content"))


def _check_results(turn: Turn, before: Turn | None) -> None:
    """Refuse results that do not answer, all in one message, the calls just before."""
    called = Counter(call.name for call in before.calls) if before else Counter[str]()
    if called != Counter(result.name for result in turn.results):
        raise WrongField("toolResultList must answer every call of the message before")


def _read_tool(value: Any, where: str, *, strict: bool) -> OfferedTool:
    tool = read_object(value, ("function",), where, strict=strict)
    function = read_object(
        tool.get("function"), ("name", "description", "parameters", "strict"), where, strict=strict
    )
    name = as_text(function.get("name"), f"{where}.function.name", empty=False)
    description = as_text(function.get("description", ""), f"{where}.function.description")
    as_flag(function.get("strict", False), f"{where}.function.strict")
    parameters = as_schema(function.get("parameters", {}), f"{where}.function.parameters")
    return OfferedTool(name, description, parameters)
