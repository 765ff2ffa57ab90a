"""The operators' pages of people, accounts and keys; changes go through the domain functions."""

from typing import TYPE_CHECKING, Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import suspension, users
from accounts.audit.admin import AuditLogAdmin
from accounts.audit.audited_admin import ActionsOnlyAdmin, AuditedAdmin, NoDeleteAdmin
from accounts.audit.day_filter import DayFilter
from accounts.audit.log import Action
from accounts.audit.plain_values import json_column
from accounts.email_address import checked_email, fold_email
from accounts.errors import InvalidEmail
from accounts.keys import issuing
from accounts.models import Account, APIKey, User
from accounts.oauth.admin import ApplicationAdmin, TokenAdmin
from accounts.rights_field import RightsAdmin
from accounts.security.admin import SecurityEventAdmin
from accounts.signin import second_factor
from infra.rouble_text import exact_roubles

__all__ = [
    "AccountAdmin",
    "ApplicationAdmin",
    "AuditLogAdmin",
    "KeyAdmin",
    "SecurityEventAdmin",
    "TokenAdmin",
]

if TYPE_CHECKING:  # generic for the type checker alone
    _UserForm = ModelForm[User]
else:
    _UserForm = ModelForm

# Addresses and second factors are changed by their people, and by the actions below.
admin.site.unregister([EmailAddress, Authenticator, Group, UserSession])


@admin.register(Group)
class OperatorGroupAdmin(RightsAdmin, AuditedAdmin, GroupAdmin):  # type: ignore[misc]
    """Groups of rights for operators."""

    filter_horizontal = ()


class NewUserForm(_UserForm):
    """A new person by e-mail; they set the password by "forgot password"."""

    class Meta:
        model = User
        fields = ("email",)

    def clean_email(self) -> str:
        try:
            email = checked_email(self.cleaned_data["email"])
        except InvalidEmail:
            raise ValidationError(
                gettext("Write an e-mail address such as name@example.ru.")
            ) from None
        if users.find(email=email) is not None:
            raise ValidationError(gettext("There is a user with this e-mail already."))
        return email


@admin.register(User)
class UserAdmin(RightsAdmin, NoDeleteAdmin):
    list_display = ("email", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", DayFilter.of("date_joined"))
    search_fields = ("=id", "email", "email_folded")
    search_help_text = _("E-mail or number of a person")
    ordering = ("-date_joined",)
    fieldsets = (
        (
            None,
            {"fields": ("email", "is_confirmed", "is_active", "has_second_factor", "pays_from")},
        ),
        (_("Dates"), {"fields": ("date_joined", "last_login")}),
        (
            _("Rights at the operators' desk"),
            {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")},
        ),
    )
    actions = ("shut_out", "let_in", "take_second_factor")
    asked_about: ClassVar[dict[str, Any]] = {
        "shut_out": _("They are logged out everywhere, and all their keys are refused at once."),
        "take_second_factor": _("From now on a password alone lets them in."),
    }

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs |= {"form": NewUserForm, "fields": ("email",)}
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.fieldsets if obj is not None else ((None, {"fields": ("email",)}),)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        shown = (
            *("email", "is_confirmed", "is_active", "has_second_factor", "pays_from"),
            *("date_joined", "last_login"),
        )
        # Whoever may edit people must not be able to make an operator of themselves.
        rights = ("is_staff", "is_superuser", "groups", "user_permissions")
        return shown if getattr(request.user, "is_superuser", False) else shown + rights

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find an address in any spelling."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if "@" in search_term and " " not in search_term.strip():
            found |= queryset.filter(email_folded=fold_email(search_term.strip()))
        return found, may_repeat

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["is_staff", "is_superuser"])
            return
        obj.pk = users.register(email=obj.email).owner.pk
        obj.refresh_from_db()

    @admin.display(description=_("address confirmed"), boolean=True)
    def is_confirmed(self, user: User) -> bool:
        return bool(EmailAddress.objects.filter(user=user, primary=True, verified=True).exists())

    @admin.display(description=_("second factor"), boolean=True)
    def has_second_factor(self, user: User) -> bool:
        return second_factor.is_set_up(user)

    @admin.display(description=_("accounts"))
    def pays_from(self, user: User) -> SafeString:
        pages = (
            (reverse("admin:accounts_account_change", args=[account.pk]), account.name)
            for account in user.accounts.order_by("pk")
        )
        return format_html_join(", ", '<a href="{}">{}</a>', pages)

    @admin.action(description=_("Shut out, with all their keys"), permissions=["change"])
    def shut_out(self, request: HttpRequest, people: QuerySet[User]) -> None:
        self.act(
            *(request, people, Action.SHUT_OUT),
            lambda user: suspension.set_active(user=user, is_active=False),
            gettext("Shut out."),
        )

    @admin.action(description=_("Let in again"), permissions=["change"])
    def let_in(self, request: HttpRequest, people: QuerySet[User]) -> None:
        self.act(
            *(request, people, Action.LET_IN),
            lambda user: suspension.set_active(user=user, is_active=True),
            gettext("Let in."),
        )

    @admin.action(description=_("Take the second factor away"), permissions=["change"])
    def take_second_factor(self, request: HttpRequest, people: QuerySet[User]) -> None:
        self.act(
            *(request, people, Action.SECOND_FACTOR_OFF),
            lambda user: second_factor.reset(user=user),
            gettext("The second factor is taken away."),
        )


@admin.register(Account)
class AccountAdmin(NoDeleteAdmin):
    list_display = ("id", "name", "owner", "suspended_at", "created_at")
    list_display_links = ("id", "name")
    list_filter = (("suspended_at", admin.EmptyFieldListFilter), DayFilter.of("created_at"))
    list_select_related = ("owner",)
    search_fields = ("=id", "name", "owner__email")
    search_help_text = _("Name or number of an account, or its owner's e-mail")
    ordering = ("-created_at",)
    fields = ("name", "owner", "suspended_at", "suspension_reason", "created_at")
    readonly_fields = ("owner", "suspended_at", "suspension_reason", "created_at")
    actions = ("suspend", "resume")
    asked_about: ClassVar[dict[str, Any]] = {
        "suspend": _(
            "Its keys are refused at once and running answers are cut; its owner is mailed the reason."
        )
    }

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.save(update_fields=["name"])

    @admin.action(description=_("Suspend"), permissions=["change"])
    def suspend(self, request: HttpRequest, accounts: QuerySet[Account]) -> None:
        reason = request.POST["reason"].strip()
        self.act(
            *(request, accounts, Action.SUSPEND),
            lambda account: suspension.suspend(account=account, reason=reason),
            gettext("Suspended."),
        )

    @admin.action(description=_("Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, accounts: QuerySet[Account]) -> None:
        self.act(
            *(request, accounts, Action.RESUME),
            lambda account: suspension.resume(account=account),
            gettext("Resumed."),
        )


@admin.register(APIKey)
class KeyAdmin(ActionsOnlyAdmin):
    """Keys can be viewed and revoked; everything else is up to their owners."""

    list_display = (
        *("ends", "name", "account", "is_test", "disabled", "created_at"),
        *("last_used_at", "last_used_network", "expires_at", "frozen_at", "revoked_at"),
    )
    list_filter = (
        *("is_test", "disabled", ("revoked_at", admin.EmptyFieldListFilter)),
        *(("frozen_at", admin.EmptyFieldListFilter), ("expires_at", admin.EmptyFieldListFilter)),
        DayFilter.of("created_at"),
    )
    list_select_related = ("account",)
    search_fields = ("=id", "name", "=head", "=tail", "account__name", "account__owner__email")
    search_help_text = _("Name, first 12 or last 4 characters of a key, or its owner's e-mail")
    ordering = ("-created_at",)
    fieldsets = (
        (None, {"fields": ("ends", "name", "account", "user", "is_test", "shown_scopes")}),
        (
            _("Dates"),
            {
                "fields": (
                    *("created_at", "last_used_at", "last_used_network", "expires_at"),
                    *("revoked_at", "disabled", "successor"),
                )
            },
        ),
        (
            _("Protection"),
            {"fields": ("frozen_at", "frozen_reason", "slowed_requests_per_minute")},
        ),
        (
            _("Bounds"),
            {
                "fields": (
                    *("limit", "limit_reset", "rate_requests", "rate_window_s"),
                    *("concurrency", "shown_models", "shown_ips"),
                )
            },
        ),
        (_("Made by an application"), {"fields": ("application", "made_by")}),
    )
    actions = ("revoke",)
    asked_about: ClassVar[dict[str, Any]] = {
        "revoke": _("It is refused for good and running answers are cut; its owner makes new ones.")
    }

    shown_scopes = json_column("scopes", _("scopes"))
    shown_models = json_column("allowed_models", _("allowed models"))
    shown_ips = json_column("allowed_ips", _("allowed addresses"))

    @admin.display(description=_("limit"))
    def limit(self, key: APIKey) -> str | None:
        return None if key.limit_nano is None else exact_roubles(key.limit_nano)

    @admin.display(description=_("key"), ordering="head")
    def ends(self, key: APIKey) -> str:
        return str(key)

    @admin.action(description=_("Revoke for good"), permissions=["change"])
    def revoke(self, request: HttpRequest, keys: QuerySet[APIKey]) -> None:
        self.act(
            *(request, keys, Action.REVOKE),
            lambda key: issuing.revoke(key=key),
            gettext("Revoked."),
        )
