"""The form field of an amount in roubles."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import get_format
from django.utils.translation import gettext_lazy as _

from infra.credits import credits_text, parse_roubles

MAX_CHARS = 32


class RoublesField(forms.CharField):
    """Roubles as people type them, cleaned to nano-credits; an initial value is nano-credits too.

    `is_kopecks` allows two decimals instead of nine.
    """

    def __init__(self, *, is_kopecks: bool = False, **options: Any) -> None:
        super().__init__(max_length=MAX_CHARS, **options)
        self.is_kopecks = is_kopecks
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}

    def prepare_value(self, value: Any) -> Any:
        """Write an amount as the reader does; three decimals after a comma could mean thousands."""
        if not isinstance(value, int):
            return value
        whole, point, decimals = credits_text(value).partition(".")
        comma = point if len(decimals) == 3 else get_format("DECIMAL_SEPARATOR")
        return f"{whole}{comma}{decimals:0<2}" if decimals else whole

    def to_python(self, value: Any) -> int | None:  # type: ignore[override]  # not a text
        text = super().to_python(value) or ""
        if not text:
            return None
        if len(text) <= MAX_CHARS:
            try:
                return parse_roubles(text, places=2 if self.is_kopecks else 9)
            except ValueError:
                pass
        raise ValidationError(
            _("Write roubles, and kopecks if there are any: 1500 or 99,50.")
            if self.is_kopecks
            else _("Write an amount in roubles, such as 500 or 99.50."),
            code="invalid_amount",
        )

    def run_validators(self, value: Any) -> None:
        """Do nothing: `to_python` has checked the length, and the value is a number."""
