"""The form field of the request parameters that a route honours: a table with a row for each."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from gateway.providers.profile import TUNABLE

NUMBERS = ("minimum", "maximum")


@dataclass(frozen=True, slots=True)
class TypedParameter:
    """A parameter as it is typed."""

    is_honoured: bool = False
    minimum: str = ""
    exclusive_minimum: bool = False
    maximum: str = ""
    default: str = ""
    choices: str = ""


Rows = Mapping[str, TypedParameter]


class ParameterTable(forms.Widget):
    """A table of checkboxes, bounds, defaults and choices."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Rows:
        return {parameter: _typed(data, f"{name}-{parameter}") for parameter in TUNABLE}

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False  # nothing ticked sends nothing

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        rows = [(parameter, f"{name}-{parameter}", row) for parameter, row in (value or {}).items()]
        return SafeString(render_to_string("admin/gateway/parameter_table.html", {"rows": rows}))


class ParametersField(forms.Field):
    """The `parameters` of a profile, cleaned to the form that the catalogue keeps."""

    widget = ParameterTable

    def prepare_value(self, value: Any) -> Rows:
        """Return the rows, of what is stored or of what was typed."""
        kept = value if isinstance(value, dict) else {}
        return {parameter: _row(kept.get(parameter)) for parameter in TUNABLE}

    def clean(self, value: Rows) -> dict[str, dict[str, Any]]:
        faults: list[str] = []
        ranges = {
            parameter: _range(parameter, row, faults)
            for parameter, row in value.items()
            if row.is_honoured
        }
        if faults:
            raise ValidationError(faults)
        return ranges

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != self.prepare_value(data))


def _typed(data: Any, name: str) -> TypedParameter:
    return TypedParameter(
        is_honoured=f"{name}-is_honoured" in data,
        minimum=data.get(f"{name}-minimum", "").strip(),
        exclusive_minimum=f"{name}-exclusive_minimum" in data,
        maximum=data.get(f"{name}-maximum", "").strip(),
        default=data.get(f"{name}-default", "").strip(),
        choices=data.get(f"{name}-choices", "").strip(),
    )


def _row(kept: Any) -> TypedParameter:
    """Return the row of a stored range; a parameter without one is not honoured."""
    if isinstance(kept, TypedParameter):
        return kept
    if not isinstance(kept, dict):
        return TypedParameter()
    texts = {name: _text(kept.get(name)) for name in (*NUMBERS, "default")}
    return TypedParameter(
        is_honoured=True,
        exclusive_minimum=kept.get("exclusive_minimum") is True,
        choices=", ".join(kept.get("choices") or ()),
        **texts,
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _range(parameter: str, row: TypedParameter, faults: list[str]) -> dict[str, Any]:
    """Return the range that a row means, without what is left empty; note what cannot be read."""
    found: dict[str, Any] = {}
    for name in NUMBERS:
        if text := getattr(row, name):
            found[name] = _number(text)
            if found[name] is None:
                faults.append(_("%(parameter)s: a bound is a number.") % {"parameter": parameter})
    if row.exclusive_minimum:
        found["exclusive_minimum"] = True
    if row.default:
        number = _number(row.default)
        found["default"] = row.default if number is None else number
    if choices := [choice.strip() for choice in row.choices.split(",") if choice.strip()]:
        found["choices"] = choices
    return found


def _number(text: str) -> int | float | None:
    """Return a number as it is written, a whole one whole; None where it is none."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
