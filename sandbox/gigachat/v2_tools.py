"""How GigaChat's second chat form takes tools: functions and built-in ones, the choice, calls and results.

Source: reference of the second form of November 2026, section 4, and recorded answers.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from sandbox.core.conversation import Call, OfferedTool, ToolResult
from sandbox.core.fields import (
    WrongField,
    WrongType,
    as_list,
    as_object,
    as_one_of,
    as_text,
    only_known,
)
from sandbox.gigachat.v2_refusals import V2Refused

NAME = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")
_BUILT_IN = (
    "web_search",
    "url_content_extraction",
    "image_generate",
    "model_3d_generate",
    "code_interpreter",
)
_FIELDS = ("name", "description", "parameters", "few_shot_examples", "return_parameters")
_CONFIG_FIELDS = ("mode", "function_name", "functions_names_any", "tool_name")


@dataclass(frozen=True, slots=True)
class V2ToolChoice:
    """Which functions may be called, whether one must be, and which one."""

    functions: tuple[OfferedTool, ...] = ()
    must_call: bool = False
    forced: str | None = None
    builtin: str | None = None


def read_tool_choice(body: dict[str, Any], *, strict: bool) -> V2ToolChoice:
    """Return what `tools` and `tool_config` ask for. Raises WrongField, V2Refused."""
    functions, builtin = _read_tools(body.get("tools", []), strict=strict)
    config = as_object(body.get("tool_config", {"mode": "auto"}), "tool_config")
    only_known(config, _CONFIG_FIELDS, "tool_config", strict=strict)
    mode = as_one_of(config.get("mode", "auto"), "mode", ("auto", "none", "any", "forced"))
    if mode == "none":
        return V2ToolChoice()
    if mode == "auto":
        return V2ToolChoice(functions, builtin=builtin)
    if mode == "any":
        named = config.get("functions_names_any")
        if named is not None:
            allowed = [as_text(name, "functions_names_any") for name in as_list(named, "names")]
            functions = tuple(_named(functions, name) for name in allowed)
        if not functions:
            raise WrongField("tool_config demands a call, and there are no functions")
        return V2ToolChoice(functions, must_call=True)
    if "tool_name" in config:
        return V2ToolChoice(builtin=as_one_of(config["tool_name"], "tool_name", _BUILT_IN))
    forced = _named(functions, as_text(config.get("function_name"), "function_name"))
    return V2ToolChoice(functions, must_call=True, forced=forced.name)


def read_call(value: Any, *, strict: bool) -> tuple[str | None, Call]:
    """Return the call that an assistant's part replays, with its id. `arguments` are an object here."""
    call = as_object(value, "function_call")
    only_known(call, ("id", "name", "arguments"), "function_call", strict=strict)
    name = as_text(call.get("name"), "function_call.name", empty=False)
    arguments = as_object(call.get("arguments"), "function_call.arguments")
    return _identity(call), Call(name, arguments)


def read_result(value: Any, *, strict: bool) -> tuple[str | None, ToolResult]:
    """Return a function's result, with the id of its call: an object, or one wrapped in a text."""
    result = as_object(value, "function_result")
    only_known(result, ("id", "name", "result"), "function_result", strict=strict)
    name = as_text(result.get("name"), "function_result.name", empty=False)
    content = result.get("result")
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise V2Refused(
                400,
                f"invalid function result for function {name} json string, error: JSON parse error "
                "at line 1 column 1",
            )
    content = as_object(content, "function_result.result")
    return _identity(result), ToolResult(name, json.dumps(content, ensure_ascii=False))


def _read_tools(value: Any, *, strict: bool) -> tuple[tuple[OfferedTool, ...], str | None]:
    functions: tuple[OfferedTool, ...] = ()
    builtin: str | None = None
    for item in as_list(value, "tools", empty=True):
        tool = as_object(item, "tools")
        if len(tool) != 1 or "type" in tool:
            raise WrongType("a tool has one key")
        [(kind, body)] = tool.items()
        if kind == "functions":
            if functions:
                raise WrongField("functions stand in one tool")
            given = as_object(body, "tools.functions")
            only_known(given, ("specifications",), "tools.functions", strict=strict)
            functions = _read_specifications(given.get("specifications"), strict=strict)
        elif kind in _BUILT_IN:
            as_object(body, f"tools.{kind}")
            if kind == "code_interpreter":
                raise V2Refused(422, "Tool code_interpreter is unavailable")
            builtin = kind
        else:
            raise V2Refused(404, f"Unknown tool {kind}")
    return functions, builtin


def _read_specifications(value: Any, *, strict: bool) -> tuple[OfferedTool, ...]:
    found = tuple(_read_specification(item, strict=strict) for item in as_list(value, "functions"))
    wrong = [tool.name for tool in found if not NAME.fullmatch(tool.name)]
    if wrong:
        raise WrongField(
            "Invalid function names. Only Latin letters (A-Z or a-z), underscore (_), hyphen (-), "
            f"dot (.) and digits (not leading) are allowed.: [{', '.join(wrong)}]"
        )
    if len({tool.name for tool in found}) < len(found):
        raise WrongField("functions must have different names")
    return found


def _read_specification(value: Any, *, strict: bool) -> OfferedTool:
    function = as_object(value, "specification")
    only_known(function, _FIELDS, "specification", strict=strict)
    name = as_text(function.get("name"), "name", empty=False)
    description = as_text(function.get("description", ""), "description")
    parameters = as_object(function.get("parameters"), "parameters")
    check_schema(parameters)
    if "return_parameters" in function:
        check_schema(as_object(function["return_parameters"], "return_parameters"))
    for example in as_list(function.get("few_shot_examples", []), "examples", empty=True):
        shot = as_object(example, "few_shot_examples")
        only_known(shot, ("request", "params"), "few_shot_examples", strict=strict)
        as_text(shot.get("request"), "request")
        as_object(shot.get("params"), "params")
    return OfferedTool(name, description, parameters)


def check_schema(schema: Any) -> None:
    """Refuse references, which nothing shows working, and objects without `properties`."""
    if isinstance(schema, list):
        for item in schema:
            check_schema(item)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("$ref"), str):
        raise WrongField("$ref is not supported")
    if schema.get("type") == "object" and "properties" not in schema:
        raise WrongField("Field 'properties' is missing")
    for value in schema.values():
        check_schema(value)


def _named(functions: tuple[OfferedTool, ...], name: str) -> OfferedTool:
    found = next((function for function in functions if function.name == name), None)
    if found is None:
        raise WrongField(f"tool_config names {name}, which is not in functions")
    return found


def _identity(holder: dict[str, Any]) -> str | None:
    if "id" not in holder:
        return None
    return as_text(holder["id"], "id", empty=False)
