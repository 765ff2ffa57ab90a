"""The rights of operators, to be ticked: for each table of the admin what may be done with its rows."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:  # generic for the type checker alone
    _Permissions = forms.ModelMultipleChoiceField[Permission]
    _Admin = admin.ModelAdmin[Model]
else:
    _Permissions = forms.ModelMultipleChoiceField
    _Admin = object

DEEDS: dict[str, str | Promise] = {
    "view": pgettext_lazy("right", "view"),
    "add": pgettext_lazy("right", "add"),
    "change": pgettext_lazy("right", "change"),
    "delete": pgettext_lazy("right", "delete"),
}


class RightsField(_Permissions):
    """Offers the rights for the admin's tables, the boxes of a table in a row."""

    widget = forms.CheckboxSelectMultiple(attrs={"class": "admin-rights"})

    def __init__(self, **options: Any) -> None:
        offered = Permission.objects.filter(content_type__in=_tables().values())
        super().__init__(offered.select_related("content_type"), **options)
        self.choices = list(_rows(offered))


class RightsAdmin(_Admin):
    """Has many-to-many fields of a form ticked; a list with a search is too much for a few rows."""

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.remote_field.model is Permission:
            return RightsField(label=capfirst(db_field.verbose_name), required=False)
        kwargs |= {"widget": forms.CheckboxSelectMultiple()}
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None:
            field.help_text = ""
        return field


def _rows(offered: Any) -> Iterator[tuple[str, list[tuple[int, str | Promise]]]]:
    tables = _tables()
    found = {(right.content_type_id, right.codename): right.pk for right in offered}
    for model in admin.site._registry:
        table = tables[model].pk
        boxes = [
            (found[key], words)
            for deed, words in DEEDS.items()
            if (key := (table, f"{deed}_{model._meta.model_name}")) in found
        ]
        yield str(capfirst(model._meta.verbose_name_plural)), boxes


def _tables() -> dict[type[Model], ContentType]:
    return ContentType.objects.get_for_models(*admin.site._registry, for_concrete_models=False)
