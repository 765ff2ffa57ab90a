"""A filter of the admin's lists by days of Moscow's, from one to another, both included."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext

from infra.moscow_time import midnight

NAMES = ("since", "until")
_BOUNDS = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2199, 12, 31))]


class DaysForm(forms.Form):
    since = forms.DateField(required=False, validators=_BOUNDS)
    until = forms.DateField(required=False, validators=_BOUNDS)


class DayFilter(admin.ListFilter):
    """Made for a field by `of`. Its bounds are compared with what `bound` makes of a moment."""

    template = "admin/day_filter.html"
    field: ClassVar[str]
    named: ClassVar[str | Promise | None]
    bound: ClassVar[Callable[[datetime], Any]]

    @classmethod
    def of(
        cls,
        field: str,
        *,
        title: str | Promise | None = None,
        bound: Callable[[datetime], Any] = lambda moment: moment,
    ) -> type["DayFilter"]:
        """Return the filter by a field, which is called as the field is unless a `title` is given."""
        return type(
            "DayFilter", (cls,), {"field": field, "named": title, "bound": staticmethod(bound)}
        )

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any
    ) -> None:
        self.title = self.named or model._meta.get_field(self.field).verbose_name  # type: ignore[assignment,union-attr]
        super().__init__(request, params, model, model_admin)
        self.asked = {name: params.pop(name, [""])[-1] for name in NAMES}

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(NAMES)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Raises IncorrectLookupParameters for what is no day."""
        form = DaysForm(self.asked)
        if not form.is_valid():
            raise IncorrectLookupParameters
        since, until = form.cleaned_data["since"], form.cleaned_data["until"]
        if since is not None:
            queryset = queryset.filter(**{f"{self.field}__gte": type(self).bound(midnight(since))})
        if until is not None:
            queryset = queryset.filter(
                **{f"{self.field}__lt": type(self).bound(midnight(until + timedelta(days=1)))}
            )
        return queryset

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Yield the one that stands: the days, as they are shown, and what else the list is filtered by."""
        days = DaysForm(self.asked)
        days.full_clean()
        shown = [
            date_format(day, "SHORT_DATE_FORMAT") if (day := days.cleaned_data.get(name)) else ""
            for name in NAMES
        ]
        yield {
            "display": " – ".join(shown).strip() if any(shown) else gettext("all time"),
            "selected": True,
            "asked": self.asked,
            "others": [item for item in changelist.params.items() if item[0] not in NAMES],
        }
