"""OpenAI's `tools`, `tool_choice`, `response_format` and their deprecated forms → chat types."""

from typing import Any

import orjson

from gateway.api import fields
from gateway.pipeline.errors import InvalidParameter
from gateway.pipeline.schema_validation import check_schema
from gateway.providers.chat_types import NamedTool, ResponseFormat, Tool, ToolChoice

MAX_TOOLS = 128
MAX_NAME_CHARACTERS = 128
MAX_DESCRIPTION_CHARACTERS = 16_384
MAX_SCHEMA_BYTES = 65_536
MAX_TOOLS_BYTES = 524_288
MAX_SCHEMA_DEPTH = 32


def read_tools(source: fields.JSONObject) -> tuple[Tool, ...]:
    """Read `tools`, or the deprecated `functions`."""
    for name in ("tools", "functions"):
        if len(orjson.dumps(source.get(name))) > MAX_TOOLS_BYTES:
            raise InvalidParameter(
                f"{name} must have {MAX_TOOLS_BYTES} bytes of JSON at most.", param=name
            )
    tools = fields.items(source, "tools", most=MAX_TOOLS)
    if tools is not None:
        read = tuple(_read_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools))
    else:
        functions = fields.items(source, "functions", most=MAX_TOOLS) or []
        read = tuple(
            _read_function(function, f"functions[{index}]")
            for index, function in enumerate(functions)
        )
    names = [tool.name for tool in read]
    if len(set(names)) != len(names):
        raise InvalidParameter("tools: each name may stand once.", param="tools")
    return read


def read_tool_choice(source: fields.JSONObject, tools: tuple[Tool, ...]) -> ToolChoice | None:
    """Read `tool_choice`, or the deprecated `function_call`."""
    name = "tool_choice" if source.get("tool_choice") is not None else "function_call"
    value = source.get(name)
    if value is None:
        return None
    match value:
        case "none" | "auto" | "required":
            choice: ToolChoice = value
        case {"type": "function", "function": {"name": str(tool)}} | {"name": str(tool)}:
            if tool not in {offered.name for offered in tools}:
                raise InvalidParameter(f"{name} names a tool that is not offered.", param=name)
            choice = NamedTool(tool)
        case _:
            raise InvalidParameter(
                f"{name} must be none, auto, required or "
                '{"type": "function", "function": {"name": …}}.',
                param=name,
            )
    if not tools and choice not in {"none", "auto"}:
        raise InvalidParameter(f"{name} needs tools.", param=name)
    return choice


def read_response_format(source: fields.JSONObject) -> ResponseFormat | None:
    """Read `response_format`; text is the absence of one."""
    value = fields.mapping(source, "response_format")
    if value is None:
        return None
    path = "response_format."
    kind = fields.choice(value, "type", ("text", "json_object", "json_schema"), path=path)
    match kind:
        case "text":
            return None
        case "json_object":
            return ResponseFormat("json_object")
        case "json_schema":
            nested = fields.mapping(value, "json_schema", path=path)
            path += "json_schema."
            schema = fields.mapping(nested or {}, "schema", path=path)
            if nested is None or schema is None:
                raise InvalidParameter(f"{path}schema is missing.", param=f"{path}schema")
            _check_size(schema, f"{path}schema")
            check_schema(schema, f"{path}schema")
            return ResponseFormat(
                "json_schema",
                schema=schema,
                name=fields.text(nested, "name", longest=MAX_NAME_CHARACTERS, path=path) or "",
                strict=bool(fields.flag(nested, "strict", path=path)),
            )
    raise InvalidParameter("response_format.type is missing.", param="response_format.type")


def _read_tool(tool: Any, path: str) -> Tool:
    if not isinstance(tool, dict):
        raise InvalidParameter(f"{path} must be an object.", param=path)
    if tool.get("type", "function") != "function":
        raise InvalidParameter(f"{path}.type must be function.", param=f"{path}.type")
    function = tool.get("function")
    return _read_function(function, f"{path}.function")


def _read_function(function: Any, path: str) -> Tool:
    if not isinstance(function, dict):
        raise InvalidParameter(f"{path} must be an object.", param=path)
    path += "."
    name = fields.text(function, "name", longest=MAX_NAME_CHARACTERS, path=path, is_line=True)
    if not name:
        raise InvalidParameter(f"{path}name is missing.", param=f"{path}name")
    parameters = fields.mapping(function, "parameters", path=path) or {}
    _check_size(parameters, f"{path}parameters")
    check_schema(parameters, f"{path}parameters")
    return Tool(
        name=name,
        description=fields.text(
            function, "description", longest=MAX_DESCRIPTION_CHARACTERS, path=path
        )
        or "",
        parameters=parameters,
        strict=fields.flag(function, "strict", path=path),
    )


def _check_size(schema: dict[str, Any], path: str) -> None:
    """Refuse a schema that is too large or too deep to be worked on."""
    if len(orjson.dumps(schema)) > MAX_SCHEMA_BYTES:
        raise InvalidParameter(
            f"{path} must have {MAX_SCHEMA_BYTES} bytes of JSON at most.", param=path
        )
    level: list[Any] = [schema]
    for _ in range(MAX_SCHEMA_DEPTH):
        level = [
            value
            for node in level
            for value in (node.values() if isinstance(node, dict) else node)
            if isinstance(value, dict | list)
        ]
        if not level:
            return
    raise InvalidParameter(
        f"{path} must not be nested deeper than {MAX_SCHEMA_DEPTH} levels.", param=path
    )
