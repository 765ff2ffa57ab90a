"""Demands that stand in the words of a prompt: tools to call, a schema to keep to, plain JSON.

A gateway that emulates tools or structured output writes them into a system message. The sandbox
obeys as a model would: it takes schemas, tool lists and the shape of a call out of the text.
"""

import copy
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.sandbox.conversation import Call, Conversation, OfferedTool
from gateway.sandbox.json_schema import find_json, find_json_spans, is_well_formed
from gateway.sandbox.tool_use import Choice

_NAME_KEYS = ("name", "tool", "tool_name", "function", "function_name")
_ARGUMENT_KEYS = ("arguments", "args", "parameters", "params", "input")
_ANSWER_KEYS = ("answer", "text", "content", "final", "final_answer", "message", "reply", "ответ")
_SCHEMA_KEYS = ("properties", "items", "enum", "$ref", "anyOf", "oneOf", "allOf", "const")
_TYPES = ("object", "array", "string", "number", "integer", "boolean")
_LONGEST_PROMPT = 65_536
_ABOUT_TOOLS = re.compile(r"\btools?\b|\bfunctions?\b|инструмент|функци", re.IGNORECASE)
_ABOUT_JSON = re.compile(r"\bjson\b", re.IGNORECASE)
_ASKS_FOR_JSON = re.compile(
    r"(?:only|just|valid|single|as|in|return|reply|respond|answer|output|produce|format|только|одним|"
    r"валидн\w+|корректн\w+|формат\w*|вид\w*|верн\w+|ответ\w*|выв\w+)\W+(?:\w+\W+){0,3}json",
    re.IGNORECASE,
)
_MUST_CALL = (
    r"(?:(?:must|have to|required to|need to)\s+(?:always\s+)?(?:call|invoke)"
    r"|(?:обязан\w*|обязательно|должен|должна|нужно|необходимо)\s+(?:\w+\s+)?вызв)"
)
_LISTED_NAME = re.compile(
    r"(?:^|\n)[ \t]*(?:[-*•#]+|\d+[.)])?\s*"
    r"(?:(?:tool|function|name|имя|инструмент|функция)\s*[:=]?\s*)?"
    r"[`\"'«*]*(?P<name>[A-Za-z_][\w-]{1,63})[`\"'»*]*\s*(?:[:(—–-](?P<about>[^\n]*)|\n|$)",
    re.IGNORECASE,
)
_NO_NAMES = frozenset(
    ["json", "schema", "parameters", "arguments", "format", "example", "tools", "functions", "tool"]
)
_ELLIPSIS = r"(?:\.\.\.|…|<[^<>\"]*>)"
# What stands in for a value in an example: `{...}`, `[…]`, `, ...]`, `: <object>`.
_STAND_INS = (
    (re.compile(rf"\{{\s*{_ELLIPSIS}\s*\}}"), "{}"),
    (re.compile(rf"\[\s*{_ELLIPSIS}\s*\]"), "[]"),
    (re.compile(rf",\s*{_ELLIPSIS}\s*(?=[\]}}])"), ""),
    (re.compile(rf"(?<=:)\s*{_ELLIPSIS}"), " {}"),
)


@dataclass(frozen=True, slots=True)
class CallForm:
    """The shape in which a prompt wants its calls; `path` leads to the call inside `example`."""

    example: Any
    path: tuple[str | int, ...]
    name_key: str
    arguments_key: str
    opening: str = ""
    closing: str = ""

    def write(self, calls: Iterable[Call]) -> str:
        """Return the calls in the form: all in one list if it has one, else one after another."""
        lists = [index for index, step in enumerate(self.path) if isinstance(step, int)]
        if not lists:
            return "\n".join(self._wrapped(self._with(call)) for call in calls)
        root = copy.deepcopy(self.example)
        holder = _at(root, self.path[: lists[0]])
        inner = CallForm(holder[0], self.path[lists[0] + 1 :], self.name_key, self.arguments_key)
        holder[:] = [inner._with(call) for call in calls]
        return self._wrapped(root)

    def _with(self, call: Call) -> Any:
        root = copy.deepcopy(self.example)
        written = _at(root, self.path)
        written[self.name_key], written[self.arguments_key] = call.name, call.arguments
        return root

    def _wrapped(self, value: Any) -> str:
        return self.opening + json.dumps(value, ensure_ascii=False) + self.closing


_USUAL_FORM = CallForm({"name": "", "arguments": {}}, (), "name", "arguments")


@dataclass(frozen=True, slots=True)
class Prompted:
    """What the prompt demands in words; `answer_key` is how plain answers are to be wrapped."""

    choice: Choice
    form: CallForm = _USUAL_FORM
    answer_key: str | None = None
    schema: dict[str, Any] | None = None
    example: dict[str, Any] | None = None
    wants_json: bool = False

    def last_call(self, text: str) -> Call | None:
        """Return the good call of a prompted tool that an assistant's text makes, if any."""
        for value in find_json(text):
            for _, found in _dicts(value):
                name = next((found[k] for k in _NAME_KEYS if isinstance(found.get(k), str)), None)
                arguments = next(
                    (found[k] for k in _ARGUMENT_KEYS if isinstance(found.get(k), dict)), None
                )
                tool = next((one for one in self.choice.tools if one.name == name), None)
                if tool is not None and arguments is not None:
                    required = tool.parameters.get("required", ())
                    return Call(tool.name, arguments) if set(required) <= set(arguments) else None
        return None


def read_prompted(conversation: Conversation) -> Prompted:
    """Return what the system messages demand, or the last user message where they are silent."""
    system = "\n".join(turn.text for turn in conversation.turns if turn.speaker == "system")
    for text in (system, conversation.user_text):
        if _ABOUT_JSON.search(text) or _ABOUT_TOOLS.search(text):
            found = _read(text)
            if found.choice.tools or found.schema or found.wants_json:
                return found
    return Prompted(Choice(()))


def _read(text: str) -> Prompted:
    text = text[:_LONGEST_PROMPT]
    for pattern, by in _STAND_INS:
        text = pattern.sub(by, text)
    spans = list(find_json_spans(text))
    tools: list[OfferedTool] = []
    examples: list[tuple[int, int, Any]] = []
    schemas: list[dict[str, Any]] = []
    before = 0
    for start, end, value in spans:
        if inside := list(_tools_in(value)):
            tools += inside
        elif _is_schema(value) and is_well_formed(value):
            name = _listed_name(text[before:start]) if _ABOUT_TOOLS.search(text) else None
            if name is None:
                schemas.append(value)
            else:
                tools.append(OfferedTool(*name, value))
        else:
            examples.append((start, end, value))
        before = end
    choice = Choice(
        tuple(tools),
        must_call=re.search(_MUST_CALL, text, re.IGNORECASE) is not None,
        forced_tool=_forced(text, tools),
        parallel=True,
    )
    objects = [value for _, _, value in examples if isinstance(value, dict)]
    return Prompted(
        choice,
        next(_forms(text, examples), _USUAL_FORM),
        next((key for one in objects for key in _ANSWER_KEYS if list(one) == [key]), None),
        schemas[0] if schemas else None,
        next((one for one in objects if one), None),
        wants_json=_ASKS_FOR_JSON.search(text) is not None and not tools,
    )


def _tools_in(value: Any) -> Iterator[OfferedTool]:
    if isinstance(value, list):
        for one in value:
            yield from _tools_in(one)
    elif isinstance(value, dict):
        parameters = value.get("parameters")
        if isinstance(value.get("name"), str) and _is_parameters(parameters, value):
            yield OfferedTool(value["name"], str(value.get("description", "")), parameters or {})
        elif not _is_schema(value):
            for inner in value.values():
                yield from _tools_in(inner)


def _is_parameters(parameters: Any, tool: dict[str, Any]) -> bool:
    if parameters is None or parameters == {}:
        return "description" in tool
    return _is_schema(parameters) and is_well_formed(parameters)


def _is_schema(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return value.get("type") in _TYPES or any(
        isinstance(value.get(key), dict | list) for key in _SCHEMA_KEYS[:2]
    )


def _listed_name(text: str) -> tuple[str, str] | None:
    """Return the name and description that a list gives before a schema, if it does."""
    found = [one for one in _LISTED_NAME.finditer(text) if one["name"].casefold() not in _NO_NAMES]
    return (found[-1]["name"], (found[-1]["about"] or "").strip()) if found else None


def _forced(text: str, tools: Sequence[OfferedTool]) -> str | None:
    for tool in tools:
        if re.search(rf"{_MUST_CALL}[^.\n]{{0,60}}\b{re.escape(tool.name)}\b", text, re.IGNORECASE):
            return tool.name
    return None


def _forms(text: str, examples: Iterable[tuple[int, int, Any]]) -> Iterator[CallForm]:
    for start, end, value in examples:
        for path, found in _dicts(value):
            name_key = next((k for k in _NAME_KEYS if isinstance(found.get(k), str)), None)
            arguments_key = next((k for k in _ARGUMENT_KEYS if k in found), None)
            if name_key is None or arguments_key is None:
                continue
            tag = re.search(r"<(\w+)>(\s*)$", text[:start])
            closing = tag and re.match(rf"\s*</{tag.group(1)}>", text[end:])
            if tag and closing:
                yield CallForm(value, path, name_key, arguments_key, tag.group(), closing.group())
            else:
                yield CallForm(value, path, name_key, arguments_key)


def _dicts(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from _dicts(inner, (*path, key))
    elif isinstance(value, list) and value:
        yield from _dicts(value[0], (*path, 0))


def _at(value: Any, path: Iterable[str | int]) -> Any:
    for step in path:
        value = value[step]
    return value
