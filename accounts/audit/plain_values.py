"""Values on an object's page as people read them: JSON without brackets, moments in their own clock."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.db.models import Model
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

NOTHING = "-"
INDENT = "  "

Column = Callable[[Any, Any], Any]


def json_column(field: str, label: Any) -> Column:
    """Return a column of an admin that shows a field of JSON."""

    @admin.display(description=label)
    def shown(_admin: Any, row: Model) -> SafeString | str:
        return shown_json(getattr(row, field))

    return shown


def text_of(column: Column) -> Column:
    """Return a column for an object's own page, where Django localizes no moments."""

    @admin.display(description=getattr(column, "short_description", None))
    def shown(model_admin: Any, row: Model) -> str | SafeString:
        return display_for_value(column(model_admin, row), NOTHING)

    return shown


def shown_json(value: Any) -> SafeString | str:
    """Return a value as lines of names and values, indented where they are nested."""
    lines = list(_lines(value))
    if len(lines) == 1:
        return lines[0]
    return format_html("<pre>{}</pre>", "\n".join(lines))


def _lines(value: Any) -> list[str]:
    if _is_simple(value):
        return [_word(value)]
    if isinstance(value, list):
        return [line for number, item in enumerate(value, 1) for line in _part(f"{number}", item)]
    return [line for name, item in value.items() for line in _part(str(name), item)]


def _part(name: str, value: Any) -> list[str]:
    if _is_simple(value):
        return [f"{name}: {_word(value)}"]
    return [f"{name}:", *(f"{INDENT}{line}" for line in _lines(value))]


def _is_simple(value: Any) -> bool:
    """Say whether a value is one word, or a list of such."""
    if isinstance(value, list):
        return not any(isinstance(item, dict | list) for item in value)
    return not isinstance(value, dict) or not value


def _word(value: Any) -> str:
    if value is None or value == "" or value == [] or value == {}:
        return NOTHING
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return ", ".join(map(_word, value)) if isinstance(value, list) else str(value)
