"""The JSON that the playground fills in for a person to begin with: a schema of the answer."""

from typing import Any

from django.utils.translation import gettext as _


def examples() -> dict[str, Any]:
    """Return a `schema` that suits any question."""
    return {"schema": _answer()}


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
