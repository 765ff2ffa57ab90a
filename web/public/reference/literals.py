"""JSON values as Python and JavaScript write them, in lines that can be read."""

import json
import re
from dataclasses import dataclass
from typing import Any

LONGEST_LINE = 68

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Style:
    """How a language writes what JSON writes otherwise."""

    true: str
    false: str
    null: str
    indent: str
    pad: str
    has_bare_names: bool


PYTHON = Style("True", "False", "None", "    ", "", has_bare_names=False)
JAVASCRIPT = Style("true", "false", "null", "  ", " ", has_bare_names=True)


def literal(value: Any, style: Style, depth: int = 0) -> str:
    """Write a value, in one line where that is short enough; `depth` is that of the line it begins in."""
    if isinstance(value, bool):
        return style.true if value else style.false
    if value is None:
        return style.null
    if not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False)
    is_object = isinstance(value, dict)
    opening, closing = "{}" if is_object else "[]"
    line = ", ".join(_parts(value, style, depth))
    pad = style.pad if is_object else ""
    if "\n" not in line and len(line) + len(style.indent) * depth < LONGEST_LINE:
        return f"{opening}{pad}{line}{pad}{closing}"
    inner = style.indent * (depth + 1)
    lines = "".join(f"{inner}{part},\n" for part in _parts(value, style, depth + 1))
    return f"{opening}\n{lines}{style.indent * depth}{closing}"


def arguments(values: dict[str, Any], style: Style) -> str:
    """Write the named arguments of a call in Python, a line each."""
    return "".join(
        f"{style.indent}{name}={literal(value, style, 1)},\n" for name, value in values.items()
    )


def _parts(value: dict[str, Any] | list[Any], style: Style, depth: int) -> list[str]:
    if isinstance(value, list):
        return [literal(item, style, depth) for item in value]
    return [f"{_name(name, style)}: {literal(item, style, depth)}" for name, item in value.items()]


def _name(name: str, style: Style) -> str:
    is_bare = style.has_bare_names and _IDENTIFIER.fullmatch(name)
    return name if is_bare else json.dumps(name, ensure_ascii=False)
