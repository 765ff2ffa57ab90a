"""The operators' pages of applications and their tokens: they are disabled and revoked, never edited."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AccessToken, Application, Grant, IDToken, RefreshToken

from accounts.audit.audited_admin import ActionsOnlyAdmin
from accounts.audit.condition_filter import ConditionFilter
from accounts.audit.day_filter import DayFilter
from accounts.audit.log import Action
from accounts.audit.plain_values import text_of
from accounts.models import OAuthApplication, OAuthToken
from accounts.oauth import applications, revocation

# The toolkit's own pages show tables that tell an operator nothing, and let applications be edited.
admin.site.unregister([AccessToken, Application, Grant, IDToken, RefreshToken])


class DisabledFilter(admin.EmptyFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = gettext("disabled")


@admin.register(OAuthApplication)
class ApplicationAdmin(ActionsOnlyAdmin):
    list_display = ("shown_name", "shown_client_id", "kind", "developer", "made_at", "disabled_at")
    list_filter = (
        ("details__disabled_at", DisabledFilter),
        DayFilter.of("created", title=_("registered")),
    )
    list_select_related = ("user", "details")
    search_fields = ("=id", "name", "=client_id", "redirect_uris", "user__email")
    search_help_text = _("Name, client ID or address of an application, or its developer's e-mail")
    ordering = ("-created",)
    fields = (
        *("shown_name", "shown_client_id", "kind", "developer", "homepage", "addresses"),
        *("made_at_text", "changed_at_text", "disabled_at_text"),
    )
    actions = ("disconnect", "disable", "enable")
    asked_about: ClassVar[dict[str, Any]] = {
        "disconnect": _("Everybody who let it in must do so again; running answers are cut."),
        "disable": _("It loses its tokens at once and gets no more, until it is enabled again."),
    }

    @admin.display(description=_("name"), ordering="name")
    def shown_name(self, application: OAuthApplication) -> str:
        return str(application)

    @admin.display(description=_("client ID"))
    def shown_client_id(self, application: OAuthApplication) -> str:
        return str(application.client_id)

    @admin.display(description=_("kind"), ordering="client_type")
    def kind(self, application: OAuthApplication) -> str:
        is_public = application.client_type == Application.CLIENT_PUBLIC
        return gettext("public") if is_public else gettext("confidential")

    @admin.display(description=_("developer"), ordering="user__email")
    def developer(self, application: OAuthApplication) -> str:
        return str(application.user or "")

    @admin.display(description=_("homepage"))
    def homepage(self, application: OAuthApplication) -> str:
        return application.details.homepage if hasattr(application, "details") else ""

    @admin.display(description=_("redirect addresses"))
    def addresses(self, application: OAuthApplication) -> str:
        return str(application.redirect_uris)

    @admin.display(description=_("registered"), ordering="created")
    def made_at(self, application: OAuthApplication) -> datetime:
        made_at: datetime = application.created
        return made_at

    @admin.display(description=_("changed"), ordering="updated")
    def changed_at(self, application: OAuthApplication) -> datetime:
        changed_at: datetime = application.updated
        return changed_at

    @admin.display(description=_("disabled"), ordering="details__disabled_at")
    def disabled_at(self, application: OAuthApplication) -> datetime | None:
        return application.details.disabled_at if hasattr(application, "details") else None

    made_at_text = text_of(made_at)
    changed_at_text = text_of(changed_at)
    disabled_at_text = text_of(disabled_at)

    @admin.action(description=_("Revoke all its tokens"), permissions=["change"])
    def disconnect(self, request: HttpRequest, rows: QuerySet[OAuthApplication]) -> None:
        self.act(
            *(request, rows, Action.DISCONNECT),
            lambda application: revocation.revoke_application(application=application),
            gettext("Revoked."),
        )

    @admin.action(description=_("Disable: revoke, and let it in no more"), permissions=["change"])
    def disable(self, request: HttpRequest, rows: QuerySet[OAuthApplication]) -> None:
        self.act(
            *(request, rows, Action.DISABLE),
            lambda application: applications.disable(application=application),
            gettext("Disabled."),
        )

    @admin.action(description=_("Enable again"), permissions=["change"])
    def enable(self, request: HttpRequest, rows: QuerySet[OAuthApplication]) -> None:
        self.act(
            *(request, rows, Action.ENABLE),
            lambda application: applications.enable(application=application),
            gettext("Enabled."),
        )


class LiveFilter(ConditionFilter):
    title = _("state")
    parameter_name = "state"

    def conditions(self) -> dict[str, tuple[str | Promise, Q]]:
        return {
            "works": (_("works"), Q(expires__gt=timezone.now())),
            "ended": (_("ended"), Q(expires__lte=timezone.now())),
        }


@admin.register(OAuthToken)
class TokenAdmin(ActionsOnlyAdmin):
    list_display = ("id", "person", "shown_application", "scopes", "made_at", "ends_at", "used_at")
    list_filter = (LiveFilter, DayFilter.of("created", title=_("issued")))
    list_select_related = ("user", "application", "issued")
    search_fields = ("=id", "application__name", "=application__client_id", "user__email")
    search_help_text = _("Name or client ID of an application, or the person's e-mail")
    ordering = ("-created",)
    fields = (
        *("person", "shown_application", "scopes"),
        *("made_at_text", "ends_at_text", "used_at_text"),
    )
    actions = ("revoke",)
    asked_about: ClassVar[dict[str, Any]] = {
        "revoke": _("The application loses this access at once; the person may let it in again.")
    }

    @admin.display(description=_("person"), ordering="user__email")
    def person(self, token: OAuthToken) -> str:
        return str(token.user or "")

    @admin.display(description=_("application"), ordering="application__name")
    def shown_application(self, token: OAuthToken) -> str:
        return str(token.application or "")

    @admin.display(description=_("scopes"))
    def scopes(self, token: OAuthToken) -> str:
        return str(token.scope)

    @admin.display(description=_("issued"), ordering="created")
    def made_at(self, token: OAuthToken) -> datetime:
        made_at: datetime = token.created
        return made_at

    @admin.display(description=_("ends"), ordering="expires")
    def ends_at(self, token: OAuthToken) -> datetime:
        ends_at: datetime = token.expires
        return ends_at

    @admin.display(description=_("last used"))
    def used_at(self, token: OAuthToken) -> datetime | None:
        return token.issued.last_used_at if hasattr(token, "issued") else None

    made_at_text = text_of(made_at)
    ends_at_text = text_of(ends_at)
    used_at_text = text_of(used_at)

    @admin.action(description=_("Revoke for good"), permissions=["change"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[OAuthToken]) -> None:
        self.act(request, tokens, Action.REVOKE, revocation.revoke_token, gettext("Revoked."))
