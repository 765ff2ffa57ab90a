"""The operators' admin of moderation: the rules, with what they found since yesterday, and the events."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.audit.audited_admin import AuditedAdmin, ReadOnlyAdmin
from accounts.audit.day_filter import DayFilter
from accounts.audit.log import Action
from gateway.models import ModerationEvent, ModerationRule
from gateway.moderation.events import found_since_yesterday

if TYPE_CHECKING:  # generic for the type checker alone
    _RuleForm = forms.ModelForm[ModerationRule]
else:
    _RuleForm = forms.ModelForm


class RuleForm(_RuleForm):
    """Sent in parts: else a Russian letter is six bytes, and a long list of words more than a page may send."""

    def is_multipart(self) -> bool:
        return True


@admin.register(ModerationRule)
class ModerationRuleAdmin(AuditedAdmin):
    """Rules are tried by letting them count, then made to refuse."""

    form = RuleForm  # type: ignore[assignment]  # an admin is of any model
    list_display = (
        *("name", "category", "action", "tier", "enabled", "found_since_yesterday"),
        "updated_at",
    )
    list_filter = ("enabled", "category", "action", "tier", DayFilter.of("updated_at"))
    search_fields = ("name", "words", "pattern")
    search_help_text = _("Name of a rule, or a word of it")
    fieldsets = (
        (None, {"fields": ("name", "category", "action", "tier", "enabled")}),
        (_("Words"), {"fields": ("words", "near", "unless", "within_words")}),
        (_("Pattern"), {"fields": ("pattern",)}),
        (_("Dates"), {"fields": ("found_since_yesterday", "updated_at")}),
    )
    readonly_fields = ("found_since_yesterday", "updated_at")
    actions = ("enable", "disable")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rules = super().get_queryset(request)
        return cast("QuerySet[Any]", rules.annotate(found=found_since_yesterday()))

    @admin.display(description=_("found since yesterday"))
    def found_since_yesterday(self, rule: Any) -> int:
        found: int = rule.found
        return found

    @admin.action(description=_("Turn the selected rules on"), permissions=["change"])
    def enable(self, request: HttpRequest, rules: QuerySet[ModerationRule]) -> None:
        self.act(request, rules, Action.ENABLE, _switched(True), gettext("Turned on."))

    @admin.action(description=_("Turn the selected rules off"), permissions=["change"])
    def disable(self, request: HttpRequest, rules: QuerySet[ModerationRule]) -> None:
        self.act(request, rules, Action.DISABLE, _switched(False), gettext("Turned off."))


@admin.register(ModerationEvent)
class ModerationEventAdmin(ReadOnlyAdmin):
    """What the rules found, newest first."""

    list_display = (
        *("created_at", "account", "category", "rule", "action", "excerpt", "credential"),
        "request_id",
    )
    list_filter = ("category", "action", DayFilter.of("created_at"))
    list_select_related = ("account",)
    search_fields = ("=account__id", "account__owner__email", "=request_id", "=rule")
    search_help_text = _("Number of an account, its owner's e-mail, a request, or a rule")
    fields = (
        *("created_at", "account", "credential", "category", "rule", "action", "excerpt"),
        "request_id",
    )

    @admin.display(description=_("sent with"))
    def credential(self, event: ModerationEvent) -> str:
        return f"{gettext(event.credential_kind)} {event.credential_id}"


def _switched(enabled: bool) -> Callable[[ModerationRule], None]:
    """Return what switches a rule; `save` stamps it, and the stamp is what serving processes look at."""

    def switch(rule: ModerationRule) -> None:
        rule.enabled = enabled
        rule.save(update_fields=["enabled", "updated_at"])

    return switch
