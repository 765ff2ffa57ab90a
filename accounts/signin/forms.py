"""allauth's forms with our fields: any spelling of an address, and one password field."""

import logging
from datetime import timedelta
from typing import Any

from allauth.account import forms as account_forms
from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa import app_settings as second_factor_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as second_factor_forms
from allauth.mfa.totp import forms as totp_forms
from cryptography.fernet import InvalidToken
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import users
from accounts.client_address import address_of
from accounts.email_address import fold_email, sign_in_email
from accounts.errors import EmailTaken
from accounts.models import User
from accounts.networks import network_of
from accounts.security import sign_ups, watch
from accounts.signin import consents, proof_of_work
from accounts.signin.fields import AddressField, CodeField, NewPasswordField, PasswordField
from accounts.signin.form_limits import refuse

DAY = timedelta(days=1)
CHALLENGED_FROM = 10
"""Accounts of a network in a day, from which on its browsers solve a task for each."""

_log = logging.getLogger(__name__)


class LoginForm(account_forms.LoginForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = AddressField(autocomplete="username")
        self.fields["password"] = PasswordField(
            label=_("Password"), autocomplete="current-password"
        )

    def clean_login(self) -> str:
        """Continue with the account's own address."""
        address: str = self.cleaned_data["login"]
        user = users.find(email=address)
        return address if user is None else sign_in_email(user.email)


class SignupForm(account_forms.SignupForm):  # type: ignore[misc]  # allauth has no types
    """Sign-up; a known address gets the same answer after as much work, and its owner a mail."""

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
        self.account_already_exists = users.owner_of(email=value) is not None
        return value

    proof_parts, proof_bits = proof_of_work.PARTS, proof_of_work.BITS

    @property
    def challenge(self) -> str:
        """The task for the browser, empty where its network does not sign up often."""
        is_often = sign_ups.count(self._network, DAY) >= CHALLENGED_FROM
        return proof_of_work.new_challenge() if is_often else ""

    def clean(self) -> dict[str, Any] | None:
        """Bound how often a network signs up. Raises ValidationError, ImmediateHttpResponse."""
        cleaned: dict[str, Any] | None = super().clean()
        made = sign_ups.count(self._network, DAY)
        if made >= settings.SIGN_UPS_A_DAY:
            wait_s = sign_ups.wait_s(self._network, DAY, most=settings.SIGN_UPS_A_DAY)
            raise ImmediateHttpResponse(refuse(allauth_context.request, wait_s))
        proof = self.data.get("proof", "")
        if made >= CHALLENGED_FROM and not self.errors and not proof_of_work.is_solved(proof):
            raise ValidationError(
                _(
                    "Many accounts were made from your network today, so your browser has to solve a"
                    " small task first. Wait a moment and press the button again; it needs JavaScript."
                )
            )
        return cleaned

    @property
    def _network(self) -> str:
        return network_of(address_of(allauth_context.request))

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
        address = address_of(request)
        network = network_of(address)
        with transaction.atomic():
            account = users.register(
                email=self.cleaned_data["email"],
                password=self.cleaned_data["password1"],
                is_confirmed=False,
                is_one_a_mailbox=True,
            )
            user = account.owner
            consents.record(user_id=user.pk, given_from=str(address) if address else None)
            sign_ups.record(account_id=account.pk, network=network)
        watch.signed_up(network)
        return user


class AddEmailForm(account_forms.AddEmailForm):  # type: ignore[misc]  # allauth has no types
    """Another address, which becomes the login once confirmed."""

    email = AddressField()

    def clean_email(self) -> str:
        """Refuse only one's own address: whether another has an account must not be revealed."""
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
        """Set the password; the link in the mail also confirms the address."""
        with transaction.atomic():
            super().save()
            EmailAddress.objects.filter(user=self.user, primary=True).update(verified=True)


class ReauthenticateForm(account_forms.ReauthenticateForm):  # type: ignore[misc]
    password = PasswordField(label=_("Password"), autocomplete="current-password")


class _OneUseCode(second_factor_forms.BaseAuthenticateForm):  # type: ignore[misc]
    """Refuses a code that was used before, for as long as it would be valid."""

    code = CodeField(help_text=_("Six digits from the app, or one of your recovery codes."))

    def clean_code(self) -> str:
        try:
            code: str = super().clean_code()
        except InvalidToken:
            _log.exception("A second factor cannot be read: SECRET_KEY is another than its own.")
            raise get_adapter().validation_error("incorrect_code") from None
        _use_up(self.user, code)
        return code


class AuthenticateForm(_OneUseCode, second_factor_forms.AuthenticateForm):  # type: ignore[misc]
    """The second step of a login."""


class CodeReauthenticateForm(_OneUseCode, second_factor_forms.ReauthenticateForm):  # type: ignore[misc]
    """The second factor again, before a sensitive change."""


class ActivateForm(totp_forms.ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a new second factor; it lets nobody log in any more."""

    code = CodeField()

    def clean_code(self) -> str:
        code: str = super().clean_code()
        _use_up(self.user, code)
        return code


def _use_up(user: User, code: str) -> None:
    """Refuse a code that was used already. Raises ValidationError."""
    periods = 2 * second_factor_settings.TOTP_TOLERANCE + 1
    digits = "".join(filter(str.isalnum, code))
    if not cache.add(
        f"second-factor:{user.pk}:{digits}", True, periods * second_factor_settings.TOTP_PERIOD
    ):
        raise get_adapter().validation_error("incorrect_code")
