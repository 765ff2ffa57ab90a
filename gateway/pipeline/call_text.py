"""Tool calls in the words of a prompt: how they are explained, written down, and told from prose."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.providers.chat_types import NamedTool, Tool, ToolCall, ToolChoice

OPENING = "<tool_call>"
CLOSING = "</tool_call>"

NAME_KEYS = ("name", "tool", "tool_name", "function_name")
ARGUMENT_KEYS = ("arguments", "args", "parameters", "params", "input")
WRAPPING_KEYS = ("tool_calls", "tool_call", "function_call", "function")

_EXAMPLE = f'{OPENING}{{"name": "TOOL_NAME", "arguments": {{"ARGUMENT": "VALUE"}}}}{CLOSING}'
_NAME_IN_RAW = re.compile(r'"(?:name|tool|tool_name|function_name)"\s*:\s*"([^"\\]+)"')


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call as a model wrote it. `arguments` is its text, no JSON object where it was spoilt.

    `name` is "" where it cannot be read.
    """

    name: str
    arguments: str


def explanation(tools: Sequence[Tool], choice: ToolChoice | None, *, allows_several: bool) -> str:
    """Write the system message that offers `tools`."""
    listed = ",\n".join(json.dumps(_told(tool), ensure_ascii=False) for tool in tools)
    match choice:
        case NamedTool(name):
            duty = f"You must call the tool {name} in this reply, and say nothing else."
        case "required":
            duty = "You must call a tool in this reply, and say nothing else."
        case _:
            duty = (
                "Call a tool where that helps with the request. "
                "Otherwise answer in plain words, as if there were no tools."
            )
    number = (
        "A reply may have several such calls, each on a line of its own."
        if allows_several
        else "A reply may have one such call at most."
    )
    return (
        f"You have tools. Each has a JSON Schema for its arguments.\n[{listed}]\n\n"
        "A call is written in exactly this form, with the name of a tool from the list and a JSON "
        f"object that fits its schema.\n{_EXAMPLE}\n{number} The results come in the next message; "
        f"do not make them up.\n{duty}"
    )


def written_call(call: ToolCall) -> str:
    """Write a call of an earlier turn in the form that is asked for."""
    name = json.dumps(call.name, ensure_ascii=False)
    return f'{OPENING}{{"name": {name}, "arguments": {call.arguments.strip() or "{}"}}}{CLOSING}'


def written_result(name: str, content: str) -> str:
    """Write what a tool gave back."""
    return f"Result of the tool {name}:\n{content}"


def read_calls(text: str, offered: Collection[str] | None = None) -> list[WrittenCall]:
    """Return the calls that a JSON text makes; none where it is anything else.

    With `offered`, a call of any other tool makes the text something else.
    """
    try:
        # Models leave line breaks in their strings.
        value = json.JSONDecoder(strict=False).decode(text.strip())
        calls = list(_calls_in(value))
    except (ValueError, RecursionError):
        return []
    if offered is not None and any(call.name not in offered for call in calls):
        return []
    return calls


def spoilt_call(text: str) -> WrittenCall:
    """Return what can be told of a call whose text is not to be read."""
    name = _NAME_IN_RAW.search(text)
    return WrittenCall(name.group(1) if name else "", text.strip())


def minted(calls: Sequence[WrittenCall], mint_id: Callable[[], str]) -> tuple[ToolCall, ...]:
    """Give each call an id."""
    return tuple(ToolCall(mint_id(), call.name, call.arguments) for call in calls)


def _told(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters or {"type": "object", "properties": {}},
    }


def _calls_in(value: Any) -> Iterator[WrittenCall]:
    """Yield the calls of a value. Raises ValueError if there is anything but calls in it."""
    if isinstance(value, list) and value:
        for one in value:
            yield from _calls_in(one)
        return
    if not isinstance(value, dict):
        raise ValueError("no call")
    wrapped = next(
        (value[key] for key in WRAPPING_KEYS if isinstance(value.get(key), dict | list)), None
    )
    if wrapped is not None:
        yield from _calls_in(wrapped)
        return
    name = next((value[key] for key in NAME_KEYS if isinstance(value.get(key), str)), None)
    arguments = next((value[key] for key in ARGUMENT_KEYS if key in value), None)
    if name is None or not isinstance(arguments, dict | str):
        raise ValueError("no call")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    yield WrittenCall(name, text)
