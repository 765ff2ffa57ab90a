"""How models spoil what was asked of them: fences, chatter, wrong names, missing fields, cuts."""

import json
from typing import Any

from sandbox.core.conversation import Call


def spoil_json(text: str, how: str, required: list[str]) -> str:
    """Return the JSON text of a good answer as an unruly model would write it."""
    match how:
        case "fences":
            return f"```json\n{text}\n```"
        case "prose":
            return f"Конечно! Вот что получилось:\n\n{text}\n\nЕсли нужно что-то ещё, спрашивайте."
        case "truncated" | "error":
            return text[: max(1, len(text) // 2)]
        case "missing":
            return _without_a_field(text, required)
        case _:
            return _with_other_names(text)


def spoil_call(call: Call, how: str, required: list[str]) -> Call:
    """Return a call of a tool that is not on offer, or one that lacks an argument."""
    if how == "wrong_name":
        return Call(f"{call.name}_v2", call.arguments)
    lost = next((name for name in required if name in call.arguments), None)
    return Call(call.name, {k: v for k, v in call.arguments.items() if k != lost})


def _without_a_field(text: str, required: list[str]) -> str:
    value = json.loads(text)
    if not isinstance(value, dict):
        return "{}"
    lost = next((name for name in required if name in value), next(iter(value), None))
    return json.dumps({k: v for k, v in value.items() if k != lost}, ensure_ascii=False)


def _with_other_names(text: str) -> str:
    value: Any = json.loads(text)
    if not isinstance(value, dict):
        return json.dumps({"value": value}, ensure_ascii=False)
    return json.dumps({f"{name}_v2": inner for name, inner in value.items()}, ensure_ascii=False)
