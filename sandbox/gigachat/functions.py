"""How GigaChat takes functions: their description, the demand to call one, and its limits."""

import json
import re
from dataclasses import dataclass
from typing import Any

from sandbox.core.conversation import Call, OfferedTool
from sandbox.core.fields import WrongField, as_list, as_object, as_schema, as_text, only_known

_NAME = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")
_FIELDS = ("name", "description", "parameters", "few_shot_examples", "return_parameters")
_UNSUPPORTED = ("$ref", "$defs", "definitions", "anyOf", "oneOf", "allOf")


@dataclass(frozen=True, slots=True)
class FunctionChoice:
    """Which functions may be called, and which one must be."""

    functions: tuple[OfferedTool, ...] = ()
    forced: str | None = None
    fixed_arguments: dict[str, Any] | None = None
    builtin: bool = False


def read_function_choice(body: dict[str, Any], *, strict: bool) -> FunctionChoice:
    """Return what the fields `functions` and `function_call` ask for. Raises WrongField."""
    functions = read_functions(body["functions"], strict=strict) if "functions" in body else ()
    # Without the field the recorded service does call functions, as if told "auto".
    wanted = body.get("function_call", "auto" if functions else "none")
    if wanted == "none":
        return FunctionChoice()
    if wanted == "auto":
        return FunctionChoice(functions, builtin=not functions)
    if not isinstance(wanted, dict):
        raise WrongField("function_call must be none, auto or an object")
    only_known(wanted, ("name", "partial_arguments"), "function_call", strict=strict)
    name = as_text(wanted.get("name"), "function_call.name")
    if name not in {function.name for function in functions}:
        raise WrongField(f"function_call names {name}, which is not in functions")
    fixed = wanted.get("partial_arguments", {})
    return FunctionChoice(functions, name, as_object(fixed, "function_call.partial_arguments"))


def read_functions(value: Any, *, strict: bool) -> tuple[OfferedTool, ...]:
    """Return the offered functions. Raises WrongField."""
    functions = tuple(
        _read_function(item, f"functions[{index}]", strict=strict)
        for index, item in enumerate(as_list(value, "functions", empty=True))
    )
    if len({function.name for function in functions}) < len(functions):
        raise WrongField("functions must have different names")
    return functions


def read_call(value: Any, *, strict: bool) -> Call:
    """Return the call that an assistant message replays. Raises WrongField."""
    call = as_object(value, "function_call")
    only_known(call, ("name", "arguments"), "function_call", strict=strict)
    name = as_text(call.get("name"), "function_call.name", empty=False)
    return Call(name, as_object(call.get("arguments"), "function_call.arguments"))


def check_result(content: str) -> None:
    """Refuse a function's result that is not a JSON object. Raises WrongField."""
    try:
        value = json.loads(content)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise WrongField("content of a function message must be a valid json object")


def _read_function(value: Any, where: str, *, strict: bool) -> OfferedTool:
    function = as_object(value, where)
    only_known(function, _FIELDS, where, strict=strict)
    name = as_text(function.get("name"), f"{where}.name")
    if not _NAME.fullmatch(name):
        raise WrongField(
            "Invalid function names. Only Latin letters (A-Z or a-z), underscore (_), hyphen (-), "
            f"dot (.) and digits (not leading) are allowed.: [{name}]"
        )
    description = as_text(function.get("description", ""), f"{where}.description")
    parameters = as_schema(function.get("parameters"), f"{where}.parameters")
    _check_schema(parameters, f"{where}.parameters")
    if "return_parameters" in function:
        returned = as_object(function["return_parameters"], f"{where}.return_parameters")
        _check_schema(returned, f"{where}.return_parameters")
    for example in as_list(function.get("few_shot_examples", []), f"{where}.examples", empty=True):
        shot = as_object(example, f"{where}.few_shot_examples")
        only_known(shot, ("request", "params"), f"{where}.few_shot_examples", strict=strict)
        as_text(shot.get("request"), f"{where}.few_shot_examples.request")
        as_object(shot.get("params"), f"{where}.few_shot_examples.params")
    return OfferedTool(name, description, parameters)


def _check_schema(schema: Any, where: str) -> None:
    """Refuse what GigaChat's subset of JSON Schema lacks."""
    node = as_object(schema, where)
    for keyword in _UNSUPPORTED:
        if keyword in node:
            raise WrongField(f"{where}: {keyword} is not supported")
    if "type" in node and not isinstance(node["type"], str):
        raise WrongField(f"{where}.type must be a string")
    if node.get("type") == "object" and not isinstance(node.get("properties"), dict):
        raise WrongField(f"{where}: an object must have properties")
    for name, inner in as_object(node.get("properties", {}), f"{where}.properties").items():
        _check_schema(inner, f"{where}.properties.{name}")
    if "items" in node:
        _check_schema(node["items"], f"{where}.items")
    if isinstance(node.get("additionalProperties"), dict):
        _check_schema(node["additionalProperties"], f"{where}.additionalProperties")
