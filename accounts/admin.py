"""The operators' desk for people, accounts and keys; changes go through the domain functions."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import api_keys, suspension, users
from accounts.email_address import checked_email
from accounts.errors import EmailTaken, InvalidEmail
from accounts.models import Account, APIKey, User

Row = TypeVar("Row", bound=Model)


class DeskAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # it has no parameters at run time
    """Rows that nobody deletes, and actions that leave a line in each row's history."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def act(
        self, request: HttpRequest, rows: QuerySet[Row], change: Callable[[Row], None], done: str
    ) -> None:
        for row in rows:
            change(row)
            self.log_change(request, row, done)
        self.message_user(request, done)


class NewUserForm(ModelForm):  # type: ignore[type-arg]  # it has no parameters at run time
    """An e-mail that nobody has in any spelling; the person sets the password by "forgot"."""

    class Meta:
        model = User
        fields = ("email",)

    def clean_email(self) -> str:
        try:
            email = checked_email(self.cleaned_data["email"])
        except InvalidEmail as error:
            raise ValidationError(str(error)) from None
        if users.find(email=email) is not None:
            raise ValidationError(str(EmailTaken()))
        return email


@admin.register(User)
class UserAdmin(DeskAdmin):
    list_display = ("email", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("=id", "email", "email_folded")
    ordering = ("-date_joined",)
    fields = (
        "email",
        "is_active",
        "is_staff",
        "is_superuser",
        "groups",
        "user_permissions",
        "date_joined",
        "last_login",
    )
    filter_horizontal = ("groups", "user_permissions")
    actions = ("shut_out", "let_in")

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm]:  # type: ignore[type-arg]
        if obj is None:
            kwargs |= {"form": NewUserForm, "fields": ("email",)}
        form: type[ModelForm] = super().get_form(request, obj, change, **kwargs)  # type: ignore[type-arg]
        return form

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return self.fields if obj is not None else ("email",)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        shown = ("email", "is_active", "date_joined", "last_login")
        # Whoever may edit people must not be able to make an operator of themselves.
        rights = ("is_staff", "is_superuser", "groups", "user_permissions")
        return shown if request.user.is_superuser else shown + rights

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["is_staff", "is_superuser"])
            return
        user = users.register(email=obj.email).owner
        obj.pk = user.pk
        obj.refresh_from_db()

    @admin.action(description=_("Shut out, with all their keys"), permissions=["change"])
    def shut_out(self, request: HttpRequest, people: QuerySet[User]) -> None:
        self.act(
            request,
            people,
            lambda user: suspension.set_active(user=user, is_active=False),
            gettext("Shut out."),
        )

    @admin.action(description=_("Let in again"), permissions=["change"])
    def let_in(self, request: HttpRequest, people: QuerySet[User]) -> None:
        self.act(
            request,
            people,
            lambda user: suspension.set_active(user=user, is_active=True),
            gettext("Let in."),
        )


@admin.register(Account)
class AccountAdmin(DeskAdmin):
    list_display = ("id", "name", "owner", "suspended_at", "created_at")
    list_filter = (("suspended_at", admin.EmptyFieldListFilter),)
    list_select_related = ("owner",)
    search_fields = ("=id", "name", "owner__email")
    ordering = ("-created_at",)
    fields = ("name", "owner", "suspended_at", "created_at")
    readonly_fields = ("owner", "suspended_at", "created_at")
    actions = ("suspend", "resume")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        obj.save(update_fields=["name"])

    @admin.action(description=_("Suspend"), permissions=["change"])
    def suspend(self, request: HttpRequest, accounts: QuerySet[Account]) -> None:
        self.act(
            request,
            accounts,
            lambda account: suspension.suspend(account=account),
            gettext("Suspended."),
        )

    @admin.action(description=_("Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, accounts: QuerySet[Account]) -> None:
        self.act(
            request,
            accounts,
            lambda account: suspension.resume(account=account),
            gettext("Resumed."),
        )


@admin.register(APIKey)
class APIKeyAdmin(DeskAdmin):
    """Keys are looked at and revoked; all else is their owners'."""

    list_display = (
        "__str__",
        "name",
        "account",
        "is_test",
        "disabled",
        "created_at",
        "last_used_at",
        "revoked_at",
    )
    list_filter = ("is_test", "disabled", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("account",)
    search_fields = ("=id", "name", "=head", "=tail", "account__name", "account__owner__email")
    ordering = ("-created_at",)
    exclude = ("digest",)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is None and super().has_change_permission(request)

    @admin.action(description=_("Revoke for good"), permissions=["change"])
    def revoke(self, request: HttpRequest, keys: QuerySet[APIKey]) -> None:
        self.act(request, keys, lambda key: api_keys.revoke(key=key), gettext("Revoked."))
