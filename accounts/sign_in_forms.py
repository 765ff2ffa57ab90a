"""allauth's forms with our fields: one person for every spelling of an address, one field for a password."""

import logging
from typing import Any

from allauth.account import forms as account_forms
from allauth.account.models import EmailAddress
from allauth.mfa import app_settings as second_factor_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as second_factor_forms
from allauth.mfa.totp import forms as totp_forms
from cryptography.fernet import InvalidToken
from django import forms
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import consents, users
from accounts.client_address import client_address
from accounts.email_address import fold_email, sign_in_email
from accounts.errors import EmailTaken
from accounts.models import User
from accounts.sign_in_fields import AddressField, CodeField, NewPasswordField, PasswordField

_log = logging.getLogger(__name__)


class LoginForm(account_forms.LoginForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = AddressField(autocomplete="username")
        self.fields["password"] = PasswordField(
            label=_("Password"), autocomplete="current-password"
        )

    def clean_login(self) -> str:
        """Go on with the address that the person is known by."""
        address: str = self.cleaned_data["login"]
        user = users.find(email=address)
        return address if user is None else sign_in_email(user.email)


class SignupForm(account_forms.SignupForm):  # type: ignore[misc]  # allauth has no types
    """A known address is answered like a new one, after as much work; its owner gets a mail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = AddressField()
        self.fields["password1"] = NewPasswordField()
        self.fields["password1"].label = _("Password")
        self.fields["consent"] = forms.BooleanField(
            label=_("Consent"),
            error_messages={"required": _("Without this consent there can be no account.")},
        )

    def validate_unique_email(self, value: str) -> str:
        self.account_already_exists = users.find(email=value) is not None
        return value

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponseBase | None]:
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])  # what a new account would cost
        else:
            try:
                return self.save(request), None
            except EmailTaken:  # by a request that was under way at the same moment
                self.account_already_exists = True
        answer: tuple[User | None, HttpResponseBase | None] = super().try_save(request)
        return answer

    def save(self, request: HttpRequest) -> User:
        address = client_address(request.META.get("REMOTE_ADDR", ""), request.headers)
        with transaction.atomic():
            user = users.register(
                email=self.cleaned_data["email"],
                password=self.cleaned_data["password1"],
                is_confirmed=False,
            ).owner
            consents.record(user_id=user.pk, given_from=str(address) if address else None)
        return user


class AddEmailForm(account_forms.AddEmailForm):  # type: ignore[misc]  # allauth has no types
    """Another address to log in with, from its confirmation on."""

    email = AddressField()

    def clean_email(self) -> str:
        """Refuse one's own address only: whether another has an account is nobody's business."""
        email: str = self.cleaned_data["email"]
        if fold_email(email) == self.user.email_folded:
            raise ValidationError(gettext("This is your address already."))
        return email


class ChangePasswordForm(account_forms.ChangePasswordForm):  # type: ignore[misc]
    oldpassword = PasswordField(label=_("Present password"), autocomplete="current-password")
    password1 = NewPasswordField()
    password2 = None


class SetPasswordForm(account_forms.SetPasswordForm):  # type: ignore[misc]
    password1 = NewPasswordField()
    password2 = None


class ResetPasswordForm(account_forms.ResetPasswordForm):  # type: ignore[misc]
    email = AddressField()

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        user = users.find(email=email)
        self.users = [user] if user is not None and user.is_active else []
        return email


class ResetPasswordKeyForm(account_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    password1 = NewPasswordField()
    password2 = None

    def save(self) -> None:
        """Set the password; the mail that led here came to the address, which confirms it."""
        with transaction.atomic():
            super().save()
            EmailAddress.objects.filter(user=self.user, primary=True).update(verified=True)


class ReauthenticateForm(account_forms.ReauthenticateForm):  # type: ignore[misc]
    password = PasswordField(label=_("Password"), autocomplete="current-password")


class _OneUseCode(second_factor_forms.BaseAuthenticateForm):  # type: ignore[misc]
    """A code that worked once works never again, in none of the periods in which it is valid."""

    code = CodeField(help_text=_("Six digits from the app, or one of your recovery codes."))

    def clean_code(self) -> str:
        try:
            code: str = super().clean_code()
        except InvalidToken:
            _log.exception("A second factor cannot be read: SECRET_KEY is another than its own.")
            raise get_adapter().validation_error("incorrect_code") from None
        periods = 2 * second_factor_settings.TOTP_TOLERANCE + 1
        digits = "".join(filter(str.isalnum, code))
        if not cache.add(
            f"second-factor:{self.user.pk}:{digits}",
            True,
            periods * second_factor_settings.TOTP_PERIOD,
        ):
            raise get_adapter().validation_error("incorrect_code")
        return code


class AuthenticateForm(_OneUseCode, second_factor_forms.AuthenticateForm):  # type: ignore[misc]
    """The second step of a log-in."""


class CodeReauthenticateForm(_OneUseCode, second_factor_forms.ReauthenticateForm):  # type: ignore[misc]
    """The second factor once more, before something that matters."""


class ActivateForm(totp_forms.ActivateTOTPForm):  # type: ignore[misc]
    code = CodeField()
