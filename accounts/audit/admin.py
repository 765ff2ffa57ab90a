"""The operators' page of the audit log: who did what, when, from where and why."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts import users
from accounts.audit.audited_admin import ReadOnlyAdmin
from accounts.audit.day_filter import DayFilter
from accounts.audit.log import AuditEntry, kind_of
from accounts.audit.plain_values import json_column
from accounts.errors import InvalidEmail


class KindFilter(admin.SimpleListFilter):
    """Filters by the kind of object."""

    title = _("kind of object")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        known = {
            kind_of(model): model._meta.verbose_name for model in model_admin.admin_site._registry
        }
        return sorted(known.items(), key=lambda item: str(item[1]))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        kind = self.value()
        return queryset.filter(object_kind=kind) if kind else queryset


@admin.register(AuditEntry)
class AuditLogAdmin(ReadOnlyAdmin):
    list_display = ("at", "who", "action", "kind", "object_label", "reason", "address")
    list_filter = ("action", KindFilter, DayFilter.of("at"))
    list_select_related = ("actor",)
    search_fields = ("=object_id", "object_label")
    search_help_text = _("E-mail of who did it; or id or name of what it was done to")
    shown_detail = json_column("detail", _("details"))
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("at", "who", "address", "action", "kind", "subject", "reason")}),
        (_("Details"), {"fields": ("shown_detail",)}),
        (_("Seal"), {"fields": ("previous", "digest")}),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        try:
            person = users.find(email=search_term.strip())
        except InvalidEmail:
            person = None
        return (found if person is None else found | queryset.filter(actor=person)), may_repeat

    @admin.display(description=_("who"), ordering="actor")
    def who(self, entry: AuditEntry) -> str:
        return str(entry.actor or _("the machine's operator"))

    @admin.display(description=_("kind of object"), ordering="object_kind")
    def kind(self, entry: AuditEntry) -> str:
        model = self._model(entry)
        return entry.object_kind if model is None else str(model._meta.verbose_name)

    @admin.display(description=_("object"))
    def subject(self, entry: AuditEntry) -> str | SafeString:
        """Return the name of the object, linked where it has a page."""
        name = f"{entry.object_label} ({entry.object_id})"
        model = self._model(entry)
        if model is None:
            return name
        page = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        try:
            return format_html('<a href="{}">{}</a>', reverse(page, args=[entry.object_id]), name)
        except NoReverseMatch:
            return name

    def _model(self, entry: AuditEntry) -> type[Model] | None:
        """Return the admin's model of the object."""
        registered = self.admin_site._registry
        return next((model for model in registered if kind_of(model) == entry.object_kind), None)
