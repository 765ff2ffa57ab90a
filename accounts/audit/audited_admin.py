"""Base classes of the operators' pages: every change is recorded in the audit log, in its transaction."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.audit import log
from accounts.audit.act_form import ActForm
from accounts.audit.checked_list import UNREADABLE, CheckedList
from accounts.audit.csv_list import csv_of_list
from accounts.audit.log import REASON_MAX_CHARS, Action

Row = TypeVar("Row", bound=Model)
CSV_PARAMETER = "_csv"
CONFIRMED = "_confirmed"
ROWS_NAMED = 20
_EXPRESSIONS = {"regex", "iregex"}

if TYPE_CHECKING:  # generic for the type checker alone
    _Admin = admin.ModelAdmin[Model]
else:
    _Admin = admin.ModelAdmin

_LOGGED_FIELDS = (
    *(forms.IntegerField, forms.BooleanField, forms.DateField),
    *(forms.DateTimeField, forms.SplitDateTimeField),
)
"""Fields whose values the audit log tells. Of a text it says only that it changed: it may be a secret."""


class ReasonForm(ActionForm):
    """The choice of an action, with a reason."""

    reason = forms.CharField(
        label=_("Reason, for the audit log"),
        required=False,
        max_length=REASON_MAX_CHARS,
        widget=forms.TextInput({"autocomplete": "off"}),
    )


class AuditedAdmin(_Admin):
    """Rows that are changed one by one, and deleted on their own page only.

    The operator's act is recorded here; what domain functions would record by themselves is suppressed.
    """

    action_form = ReasonForm
    view_on_site = False
    asked_about: ClassVar[Mapping[str, str | Promise]] = {}
    """Actions that are asked about before they are done, and what each of them means."""
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CheckedList]:
        return CheckedList

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow no regular expressions: to SQLite a wrong one is as a broken disk, and any may take long."""
        is_expression = lookup.rpartition("__")[2] in _EXPRESSIONS
        return not is_expression and super().lookup_allowed(lookup, value, request)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        title = capfirst(self.opts.verbose_name_plural)
        if request.GET.get(CSV_PARAMETER) and self.has_view_or_change_permission(request):
            return self._csv(request)
        with log.as_one():
            return super().changelist_view(request, {"title": title} | (extra_context or {}))

    def response_action(  # type: ignore[override]  # the stubs are of another version
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> Any:
        """Say what a grave action does, and to what, and ask for its reason; then do it."""
        name = request.POST.get("action", "")
        consequence = self.asked_about.get(name)
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        try:
            queryset.filter(pk__in=chosen).exists()
        except (ValidationError, *UNREADABLE):
            raise SuspiciousOperation("The rows are chosen by what is no id.") from None
        if consequence is None or not chosen or name not in self.get_actions(request):
            return super().response_action(request, queryset)
        is_sent = CONFIRMED in request.POST
        form = ActForm(request.POST if is_sent else None, initial=request.POST.dict())
        if is_sent and form.is_valid():
            return super().response_action(request, queryset)
        is_all = request.POST.get("select_across") == "1"
        rows = queryset if is_all else queryset.filter(pk__in=chosen)
        sent = {"action": name, "index": 0, "select_across": int(is_all), CONFIRMED: 1}
        context = {
            **self.admin_site.each_context(request),
            "title": self.get_actions(request)[name][2],
            "opts": self.opts,
            "consequence": consequence,
            "rows": rows[:ROWS_NAMED],
            "more": max(rows.count() - ROWS_NAMED, 0),
            "sent": [*sent.items(), *((ACTION_CHECKBOX_NAME, pk) for pk in chosen)],
            "form": form,
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/act.html", context, status=status)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Model | None:
        """Find nothing by a number that no column holds, which SQLite's driver does not even ask for."""
        try:
            return super().get_object(request, object_id, from_field)
        except OverflowError:
            return None

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Lead to the audit log, which knows more, those who may read it."""
        if not request.user.has_perm("accounts.view_auditentry"):
            return super().history_view(request, object_id, extra_context)
        query = urlencode({"kind": log.kind_of(self.model), "object_id": unquote(object_id)})
        return redirect(f"{reverse('admin:accounts_auditentry_changelist')}?{query}")

    def _csv(self, request: HttpRequest) -> Any:
        """Return the list, filtered as the page is, as a file."""
        asked = request.GET.copy()
        asked.pop(CSV_PARAMETER)
        request.GET = asked  # type: ignore[assignment]  # the list reads its filters there
        try:
            changelist = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(request.path)
        return csv_of_list(self, changelist, request)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Title the page by its object alone: a sentence around a name would need Russian cases."""
        title = capfirst(self.opts.verbose_name)
        if object_id is None:
            title = gettext("New: %(name)s") % {"name": self.opts.verbose_name}
        context = {"title": title} | (extra_context or {})
        with log.as_one():
            return super().changeform_view(request, object_id, form_url, context)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with log.as_one():
            return super().delete_view(request, *args, **kwargs)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[dict[str, dict[str, Any]]]:
        """Add to Django's message the old and new values of numbers, dates and booleans."""
        message: list[dict[str, dict[str, Any]]] = super().construct_change_message(
            request, form, formsets, add
        )
        changed_forms = [form] if add or form.changed_data else []
        for formset in formsets or ():
            of_row = {id(each.instance): each for each in formset.forms}
            changed = [row for row, _fields in formset.changed_objects]
            changed_forms += [of_row[id(row)] for row in (*formset.new_objects, *changed)]
            changed_forms += [None] * len(formset.deleted_objects)
        for part, changed_form in zip(message, changed_forms, strict=True):
            if changed_form is not None and (values := _values(changed_form)):
                part["values"] = values
        return message

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        log.write(Action.ADD, [obj], detail={"changes": message})
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Record a change, unless the form was saved unchanged."""
        if message:
            log.write(Action.CHANGE, [obj], detail={"changes": message})
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Model]) -> Any:
        log.write(Action.DELETE, list(queryset))
        return super().log_deletions(request, queryset)

    def act(
        self,
        request: HttpRequest,
        rows: QuerySet[Row],
        action: Action,
        change: Callable[[Row], object],
        done: str,
    ) -> None:
        """Apply `change` to all rows or to none, record it with the given reason, and say so.

        A row for which `change` returns False needed none: nothing is recorded of it.
        """
        with transaction.atomic():
            changed = [row for row in rows.order_by("pk") if change(row) is not False]
            # Locks first, the audit log's own after them: two operators never wait for each other.
            for row in changed:
                self.tell(request, row, action, done, reason=request.POST.get("reason", ""))
        if changed:
            self.message_user(request, done)
        else:
            self.message_user(request, gettext("Nothing was to be done."), messages.WARNING)

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
        """Record an act in the audit log and in the row's history."""
        log.write(action, [row], detail=detail, reason=reason)
        super().log_change(request, row, done)


class NoDeleteAdmin(AuditedAdmin):
    """Rows that cannot be deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ActionsOnlyAdmin(NoDeleteAdmin):
    """Rows that are viewed, and changed only by actions."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is None and super().has_change_permission(request)


class ReadOnlyAdmin(ActionsOnlyAdmin):
    """Rows that cannot be changed here."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _values(form: forms.BaseForm) -> dict[str, list[Any]]:
    """Return the old and new values of the changed fields, as JSON without fractions."""
    return {
        name: [_plain(form.get_initial_for_field(form.fields[name], name)), _plain(value)]
        for name in form.changed_data
        if isinstance(form.fields[name], _LOGGED_FIELDS)
        for value in [form.cleaned_data.get(name)]
    }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
