"""The operators' admin of the catalogue. What a model costs is edited beside it, in billing."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.audit.audited_admin import AuditedAdmin
from accounts.audit.day_filter import DayFilter
from accounts.audit.log import Action
from gateway.admin.route_form import RouteForm
from gateway.models import Alias, LanguageModel, Route

if TYPE_CHECKING:  # generic for the type checker alone
    _AliasInline = admin.TabularInline[Alias, LanguageModel]
    _RouteInline = admin.StackedInline[Route, LanguageModel]
else:
    _AliasInline = admin.TabularInline
    _RouteInline = admin.StackedInline

_WAY = ("provider", "upstream_id", ("priority", "weight", "enabled"))
_CAPABILITIES: tuple[Any, ...] = (
    (
        _("What the upstream model can do"),
        {
            "fields": (
                ("context_tokens", "max_output_tokens"),
                ("tools", "tool_choice_required", "parallel_tool_calls"),
                ("json_object", "json_schema"),
                ("images", "can_deny_data_collection"),
                ("dimensions", "wire", "reasoning_off"),
                "parameters",
                "drop_unknown",
            )
        },
    ),
)


class AliasFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # generic for the type checker alone
    """Names the fields of a table, which have no labels there."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for field in form.fields.values():
            field.widget.attrs["aria-label"] = str(field.label or "")


class AliasInline(_AliasInline):
    model = Alias
    formset = AliasFormSet
    extra = 1


class RouteInline(_RouteInline):
    model = Route
    form = RouteForm
    extra = 0
    fieldsets = ((None, {"fields": _WAY}), *_CAPABILITIES)


@admin.register(LanguageModel)
class LanguageModelAdmin(AuditedAdmin):
    """A model on one page with its other names and its routes."""

    list_display = (
        *("public_id", "name", "kind", "owned_by", "context_tokens"),
        *("is_free", "status", "ends_on", "enabled", "reason", "updated_at"),
    )
    list_filter = (
        "enabled",
        "status",
        "waits_for",
        "kind",
        "is_free",
        "owned_by",
        "routes__provider",
        DayFilter.of("updated_at"),
    )
    search_fields = ("public_id", "name", "aliases__name", "routes__upstream_id")
    search_help_text = _("Id, name or alias of a model, or its name upstream")
    fieldsets = (
        (None, {"fields": ("public_id", "name", "kind", "owned_by")}),
        (_("What people read"), {"fields": ("description", "description_en")}),
        (_("Bounds"), {"fields": ("context_tokens", "max_output_tokens")}),
        (_("Offer"), {"fields": ("enabled", "waits_for", "is_free", "is_auto")}),
        (_("Life"), {"fields": ("status", "deprecated_on", "ends_on", "successor")}),
        (_("Dates"), {"fields": ("created_at", "updated_at")}),
    )
    readonly_fields = ("created_at", "updated_at")
    inlines = (AliasInline, RouteInline)
    actions = ("enable", "disable")
    asked_about: ClassVar[dict[str, Any]] = {
        "disable": _("Requests to them are refused within a second, also those that are paid for.")
    }

    @admin.display(description=_("why it is not offered"))
    def reason(self, model: LanguageModel) -> str:
        return "" if model.enabled else model.get_waits_for_display()

    @admin.action(description=_("Offer the selected models"), permissions=["change"])
    def enable(self, request: HttpRequest, models: QuerySet[LanguageModel]) -> None:
        self.act(request, models, Action.ENABLE, _switched(True), gettext("Offered."))

    @admin.action(description=_("Withdraw the selected models"), permissions=["change"])
    def disable(self, request: HttpRequest, models: QuerySet[LanguageModel]) -> None:
        self.act(request, models, Action.DISABLE, _switched(False), gettext("Withdrawn."))


@admin.register(Route)
class RouteAdmin(AuditedAdmin):
    """All routes in one table, where their order and weights are set."""

    list_display = ("upstream_id", "model", "priority", "weight", "enabled", "provider")
    list_editable = ("priority", "weight", "enabled")
    list_filter = ("provider", "enabled")
    list_select_related = ("model",)
    search_fields = ("model__public_id", "upstream_id")
    search_help_text = _("Id of a model, or its name upstream")
    ordering = ("model__public_id", "priority", "pk")
    form = RouteForm
    fieldsets = ((None, {"fields": ("model", *_WAY)}), *_CAPABILITIES)

    def formfield_for_dbfield(self, db_field: Any, *args: Any, **kwargs: Any) -> Any:
        """Name the fields of the list, which have no labels there."""
        field = super().formfield_for_dbfield(db_field, *args, **kwargs)
        if field is not None and db_field.name in self.list_editable:
            field.widget.attrs["aria-label"] = str(field.label)
        return field


def _switched(enabled: bool) -> Callable[[LanguageModel], None]:
    """Return what switches a model; `save` stamps it, and the stamp is what serving processes look at."""

    def switch(model: LanguageModel) -> None:
        model.enabled = enabled
        model.save(update_fields=["enabled", "updated_at"])

    return switch
