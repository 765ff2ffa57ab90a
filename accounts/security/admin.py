"""The operators' page of security events: what was noticed, by which figures, who confirmed it."""

from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.audit.audited_admin import ActionsOnlyAdmin
from accounts.audit.condition_filter import ConditionFilter
from accounts.audit.day_filter import DayFilter
from accounts.audit.log import Action
from accounts.audit.plain_values import NOTHING, json_column
from accounts.models import User
from accounts.security import events
from accounts.security.models import SecurityEvent
from accounts.security.words import explanation


class ConfirmedFilter(ConditionFilter):
    """Filters by whether somebody has confirmed the event."""

    title = _("confirmed")
    parameter_name = "confirmed"

    def conditions(self) -> dict[str, tuple[str | Promise, Q]]:
        return {
            "no": (_("open"), Q(confirmation__isnull=True)),
            "yes": (_("confirmed"), Q(confirmation__isnull=False)),
        }


@admin.register(SecurityEvent)
class SecurityEventAdmin(ActionsOnlyAdmin):
    list_display = ("at", "signal", "account", "api_key", "network", "shown", "confirmed")
    list_filter = ("signal", ConfirmedFilter, DayFilter.of("at"))
    list_select_related = ("account", "api_key", "confirmation__by")
    search_fields = (
        *("=account__id", "account__name", "account__owner__email"),
        *("network", "=api_key__head", "=api_key__tail"),
    )
    search_help_text = _("Account, its owner's e-mail, a network, or the ends of a key")
    ordering = ("-id",)
    fields = (
        *("at", "signal", "shown", "account", "api_key", "network", "shown_evidence"),
        "confirmed",
    )
    actions = ("confirm",)
    shown_evidence = json_column("evidence", _("evidence"))

    @admin.display(description=_("what was noticed"))
    def shown(self, event: SecurityEvent) -> str:
        return explanation(event)

    @admin.display(description=_("confirmed"))
    def confirmed(self, event: SecurityEvent) -> str:
        if not hasattr(event, "confirmation"):
            return gettext("open")
        return f"{event.confirmation.by}, {display_for_value(event.confirmation.at, NOTHING)}"

    @admin.action(description=_("Confirm: no cause for concern"), permissions=["change"])
    def confirm(self, request: HttpRequest, rows: QuerySet[SecurityEvent]) -> None:
        user = request.user
        if isinstance(user, User):
            self.act(
                *(request, rows, Action.CONFIRM),
                lambda event: events.close(event, by=user),
                gettext("Confirmed."),
            )
