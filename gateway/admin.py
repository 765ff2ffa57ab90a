"""The operators' desk of the catalogue. What a model costs is edited beside it, in billing."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.models import Alias, LanguageModel, Route

if TYPE_CHECKING:  # generic for the type checker alone
    _AliasInline = admin.TabularInline[Alias, LanguageModel]
    _RouteInline = admin.StackedInline[Route, LanguageModel]
    _ModelAdmin = admin.ModelAdmin[LanguageModel]
else:
    _AliasInline = admin.TabularInline
    _RouteInline = admin.StackedInline
    _ModelAdmin = admin.ModelAdmin


class AliasInline(_AliasInline):
    model = Alias
    extra = 0


class RouteInline(_RouteInline):
    model = Route
    extra = 0


@admin.register(LanguageModel)
class LanguageModelAdmin(_ModelAdmin):
    """A model on one page with its other names and its routes."""

    list_display = (
        "public_id",
        "name",
        "kind",
        "owned_by",
        "context_tokens",
        "is_free",
        "enabled",
        "updated_at",
    )
    list_filter = ("enabled", "kind", "is_free", "owned_by", "routes__provider")
    search_fields = ("public_id", "name", "aliases__name", "routes__upstream_id")
    readonly_fields = ("created_at", "updated_at")
    inlines = (AliasInline, RouteInline)
    actions = ("enable", "disable")

    @admin.action(description=_("Offer the selected models"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[LanguageModel]) -> None:
        self._switch(request, queryset, enabled=True)

    @admin.action(description=_("Withdraw the selected models"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[LanguageModel]) -> None:
        self._switch(request, queryset, enabled=False)

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[LanguageModel], *, enabled: bool
    ) -> None:
        """Switch and stamp the rows: the stamp is what the serving processes look at."""
        changed = list(queryset.exclude(enabled=enabled))
        LanguageModel.objects.filter(pk__in=[model.pk for model in changed]).update(
            enabled=enabled, updated_at=timezone.now()
        )
        for model in changed:
            self.log_change(request, model, [{"changed": {"fields": ["enabled"]}}])
        self.message_user(request, _("Models changed: %(count)d.") % {"count": len(changed)})
