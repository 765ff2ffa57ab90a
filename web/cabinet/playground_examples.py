"""The JSON that the playground fills in for a person to begin with: tools, and a schema of the answer."""

from typing import Any

from django.utils.translation import gettext as _


def examples() -> dict[str, Any]:
    """Return `tools` of one function, and a `schema` that suits any question."""
    return {"tools": [{"type": "function", "function": _weather()}], "schema": _answer()}


def _weather() -> dict[str, Any]:
    return {
        "name": "get_weather",
        "description": _("The weather in a city at present"),
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": _("The name of the city")},
            },
            "required": ["city"],
        },
    }


def _answer() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "answer": {"type": "string", "description": _("The answer in one sentence")},
            "keywords": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["answer", "keywords"],
        "additionalProperties": False,
    }
