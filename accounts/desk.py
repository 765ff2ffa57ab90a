"""The base of every operators' page: whatever it changes leaves one entry in the journal, or is undone."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.audit import REASON_MAX_CHARS, Action

Row = TypeVar("Row", bound=Model)

if TYPE_CHECKING:  # generic for the type checker alone
    _Admin = admin.ModelAdmin[Model]
else:
    _Admin = admin.ModelAdmin

_TOLD = (
    *(forms.IntegerField, forms.BooleanField, forms.DateField),
    *(forms.DateTimeField, forms.SplitDateTimeField),
)
"""Fields whose values the journal tells. Of a text it says only that it changed: it may be a secret."""


class ReasonForm(ActionForm):
    """The choice of an action, and why."""

    reason = forms.CharField(
        label=_("Reason, for the journal"),
        required=False,
        max_length=REASON_MAX_CHARS,
        widget=forms.TextInput({"autocomplete": "off"}),
    )


class Desk(_Admin):
    """Rows that are changed one by one; what is deleted is deleted on its own page.

    What the domain would write by itself is a part of the operator's act, which is written here.
    """

    action_form = ReasonForm
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    list_per_page = 50

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        title = capfirst(self.opts.verbose_name_plural)
        with audit.as_one():
            return super().changelist_view(request, {"title": title} | (extra_context or {}))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Name the page by its object: a sentence round a name would need its cases in Russian."""
        title = capfirst(self.opts.verbose_name)
        if object_id is None:
            title = gettext("New: %(name)s") % {"name": self.opts.verbose_name}
        context = {"title": title} | (extra_context or {})
        with audit.as_one():
            return super().changeform_view(request, object_id, form_url, context)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with audit.as_one():
            return super().delete_view(request, *args, **kwargs)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[dict[str, dict[str, Any]]]:
        """Add to what Django says the values before and after of numbers, dates and yes or no."""
        message: list[dict[str, dict[str, Any]]] = super().construct_change_message(
            request, form, formsets, add
        )
        forms_told = [form] if add or form.changed_data else []
        for formset in formsets or ():
            of_row = {id(each.instance): each for each in formset.forms}
            changed = [row for row, _fields in formset.changed_objects]
            forms_told += [of_row[id(row)] for row in (*formset.new_objects, *changed)]
            forms_told += [None] * len(formset.deleted_objects)
        for part, told in zip(message, forms_told, strict=True):
            if told is not None and (values := _values(told)):
                part["values"] = values
        return message

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        audit.write(Action.ADD, [obj], detail={"changes": message})
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Write a change, but for a form that was saved as it was."""
        if message:
            audit.write(Action.CHANGE, [obj], detail={"changes": message})
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Model]) -> Any:
        audit.write(Action.DELETE, list(queryset))
        return super().log_deletions(request, queryset)

    def act(
        self,
        request: HttpRequest,
        rows: QuerySet[Row],
        action: Action,
        change: Callable[[Row], object],
        done: str,
    ) -> None:
        """Do one thing to all rows or to none, say so, and keep the reason that was given."""
        with transaction.atomic():
            found = list(rows.order_by("pk"))
            for row in found:
                change(row)
            # Locks first, the journal's own after them: two operators never wait for each other.
            for row in found:
                self.tell(request, row, action, done, reason=request.POST.get("reason", ""))
        self.message_user(request, done)

    def tell(
        self,
        request: HttpRequest,
        row: Model,
        action: Action,
        done: str,
        *,
        reason: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Write an act into the journal and into the row's history."""
        audit.write(action, [row], detail=detail, reason=reason)
        super().log_change(request, row, done)


class Kept(Desk):
    """Rows that nobody deletes."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Looked(Kept):
    """Rows that are looked at, and changed by actions alone."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is None and super().has_change_permission(request)


class ReadOnly(Looked):
    """Rows that nobody changes here."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _values(form: forms.BaseForm) -> dict[str, list[Any]]:
    """Return the values before and after of what was changed, as JSON without fractions."""
    return {
        name: [_plain(form.get_initial_for_field(form.fields[name], name)), _plain(value)]
        for name in form.changed_data
        if isinstance(form.fields[name], _TOLD)
        for value in [form.cleaned_data.get(name)]
    }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
