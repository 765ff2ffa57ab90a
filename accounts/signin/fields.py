"""Form fields of sign-in; lengths are checked before anything is normalised or hashed."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from accounts.email_address import EMAIL_MAX_CHARS, checked_email, sign_in_email
from accounts.errors import InvalidEmail
from accounts.models import User

PASSWORD_MAX_CHARS = 128
CODE_MAX_CHARS = 32


class AddressField(forms.CharField):
    """An e-mail address, cleaned to the form that allauth stores."""

    def __init__(self, *, autocomplete: str = "email") -> None:
        super().__init__(
            label=_("E-mail"),
            max_length=EMAIL_MAX_CHARS,
            widget=forms.EmailInput(attrs={"autocomplete": autocomplete}),
        )

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        try:
            return sign_in_email(checked_email(typed))
        except InvalidEmail:
            raise ValidationError(_("Write an e-mail address such as name@example.ru.")) from None


class PasswordField(forms.CharField):
    """A password, spaces included.

    Its length is limited only on the server: a browser would silently cut what is pasted.
    """

    def __init__(self, *, label: Any, autocomplete: str, help_text: Any = "") -> None:
        super().__init__(
            label=label,
            strip=False,
            help_text=help_text,
            validators=[MaxLengthValidator(PASSWORD_MAX_CHARS)],
            widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        )


class NewPasswordField(PasswordField):
    """A new password; `user` is its owner, where known."""

    user: User | None = None

    def __init__(self) -> None:
        super().__init__(
            label=_("New password"),
            autocomplete="new-password",
            help_text=_("At least 12 characters: a few words together are easy to remember."),
        )

    def clean(self, value: Any) -> str:
        password: str = super().clean(value)
        validate_password(password, self.user)
        return password


class CodeField(forms.CharField):
    """A TOTP code or a recovery code."""

    def __init__(self, *, help_text: Any = "") -> None:
        super().__init__(
            label=_("Code"),
            max_length=CODE_MAX_CHARS,
            help_text=help_text,
            widget=forms.TextInput(
                attrs={
                    "autocomplete": "one-time-code",
                    "inputmode": "numeric",
                    "autofocus": True,
                }
            ),
        )
