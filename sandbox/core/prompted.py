"""Demands that stand in the words of a prompt: tools to call, a schema to keep to, plain JSON.

A gateway that emulates tools or structured output writes them into a system message: tools as JSON
objects with `name` and `parameters`, calls as `{"name", "arguments"}`, perhaps between tags.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.core.conversation import Call, Conversation, OfferedTool
from sandbox.core.json_schema import find_json, is_well_formed
from sandbox.core.tool_use import OfferedTools

_LONGEST_PROMPT = 65_536
_SCHEMA_KEYS = ("properties", "items", "enum", "$ref", "anyOf", "oneOf", "allOf", "const")
_TYPES = ("object", "array", "string", "number", "integer", "boolean")
_ASKS_FOR_JSON = re.compile(
    r"(?:only|one|in|valid|answer|return|respond|только|формат\w*|ответ\w*|вид\w*)"
    r"\W+(?:\w+\W+){0,3}json\b",
    re.IGNORECASE,
)
_MUST_CALL = r"must call|обязан\w* вызвать"
_TAGS = re.compile(r"(<(\w+)>)\s*\{\s*\"name\".*(</\2>)")


@dataclass(frozen=True, slots=True)
class Prompted:
    """What the prompt demands in words; calls are written between the `tags`."""

    choice: OfferedTools
    tags: tuple[str, str] = ("", "")
    schema: dict[str, Any] | None = None
    wants_json: bool = False

    def write(self, calls: Iterable[Call]) -> str:
        """Return the calls as the prompt wants them, one a line."""
        opening, closing = self.tags
        return "\n".join(f"{opening}{call.text()}{closing}" for call in calls)

    def last_call(self, text: str) -> Call | None:
        """Return the good call of a prompted tool that an assistant's text makes, if any."""
        for value in find_json(text):
            name, arguments = (
                (value.get("name"), value.get("arguments"))
                if isinstance(value, dict)
                else (None, None)
            )
            tool = next((tool for tool in self.choice.tools if tool.name == name), None)
            if tool is not None and isinstance(arguments, dict):
                required = tool.parameters.get("required", ())
                return Call(tool.name, arguments) if set(required) <= set(arguments) else None
        return None


def read_prompted(conversation: Conversation) -> Prompted:
    """Return what the system messages demand, or the last user message where they are silent."""
    system = "\n".join(turn.text for turn in conversation.turns if turn.speaker == "system")
    for text in (system, conversation.user_text):
        found = _read(text[:_LONGEST_PROMPT])
        if found.choice.tools or found.schema or found.wants_json:
            return found
    return Prompted(OfferedTools(()))


def _read(text: str) -> Prompted:
    tools: list[OfferedTool] = []
    schemas: list[dict[str, Any]] = []
    for value in find_json(text):
        found = list(_tools_in(value))
        tools += found
        if not found and _is_schema(value):
            schemas.append(value)
    tags = _TAGS.search(text)
    choice = OfferedTools(
        tuple(tools),
        must_call=re.search(_MUST_CALL, text, re.IGNORECASE) is not None,
        forced_tool=_forced(text, tools),
        parallel=True,
    )
    return Prompted(
        choice,
        (tags.group(1), tags.group(3)) if tags else ("", ""),
        schemas[0] if schemas else None,
        wants_json=_ASKS_FOR_JSON.search(text) is not None and not tools,
    )


def _tools_in(value: Any) -> Iterator[OfferedTool]:
    if isinstance(value, list):
        for item in value:
            yield from _tools_in(item)
    elif isinstance(value, dict):
        parameters = value.get("parameters", {})
        is_bare = parameters == {} and "description" in value
        if isinstance(value.get("name"), str) and (is_bare or _is_schema(parameters)):
            yield OfferedTool(value["name"], str(value.get("description", "")), parameters)
        elif not _is_schema(value):
            for inner in value.values():
                yield from _tools_in(inner)


def _is_schema(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    is_likely = value.get("type") in _TYPES or any(
        isinstance(value.get(key), dict | list) for key in _SCHEMA_KEYS
    )
    return is_likely and is_well_formed(value)


def _forced(text: str, tools: Sequence[OfferedTool]) -> str | None:
    for tool in tools:
        if re.search(rf"(?:{_MUST_CALL})[^.\n]*\b{re.escape(tool.name)}\b", text, re.IGNORECASE):
            return tool.name
    return None
