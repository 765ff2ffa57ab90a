"""The sign-in pages, each with the rate limit of its form."""

from collections.abc import Callable
from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as second_factor
from allauth.mfa.recovery_codes import views as recovery_codes
from django.urls import URLPattern, re_path

from accounts.signin import views as ours
from accounts.signin.form_limits import limit_form
from accounts.signin.page_guard import guarded


def page(pattern: str, view: Callable[..., Any], name: str, rate: str = "30/m") -> URLPattern:
    """Route a path under /accounts/ to a view with a rate limit."""
    return re_path(rf"^{pattern}$", guarded(limit_form(name, rate)(view)), name=name)


urlpatterns = [
    page("", ours.settings, "account_settings"),
    page("login/", account.login, "account_login"),
    page("logout/", account.logout, "account_logout"),
    page("signup/", account.signup, "account_signup", "20/m"),
    page("inactive/", account.account_inactive, "account_inactive"),
    page("reauthenticate/", account.reauthenticate, "account_reauthenticate", "10/m"),
    page("email/", account.email, "account_email", "10/m"),
    page(
        "confirm-email/",
        ours.ConfirmationSentView.as_view(),
        "account_email_verification_sent",
        "10/m",
    ),
    page(
        r"confirm-email/(?P<key>[-:\w]+)/", ours.ConfirmEmailView.as_view(), "account_confirm_email"
    ),
    page("password/change/", account.password_change, "account_change_password", "10/m"),
    page("password/set/", account.password_set, "account_set_password", "10/m"),
    page("password/reset/", account.password_reset, "account_reset_password", "20/m"),
    page("password/reset/done/", account.password_reset_done, "account_reset_password_done"),
    page(
        "password/reset/key/done/",
        account.password_reset_from_key_done,
        "account_reset_password_from_key_done",
    ),
    page(
        r"password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/",
        ours.NewPasswordView.as_view(),
        "account_reset_password_from_key",
        "20/m",
    ),
    page("close/", ours.close_account, "account_close", "10/m"),
    page("2fa/", second_factor.index, "mfa_index"),
    page("2fa/authenticate/", second_factor.authenticate, "mfa_authenticate", "20/m"),
    page("2fa/reauthenticate/", second_factor.reauthenticate, "mfa_reauthenticate", "20/m"),
    page("2fa/totp/activate/", ours.ActivateView.as_view(), "mfa_activate_totp", "20/m"),
    page("2fa/totp/deactivate/", ours.DeactivateView.as_view(), "mfa_deactivate_totp", "10/m"),
    page("2fa/recovery-codes/", recovery_codes.view_recovery_codes, "mfa_view_recovery_codes"),
    page(
        "2fa/recovery-codes/generate/",
        recovery_codes.generate_recovery_codes,
        "mfa_generate_recovery_codes",
        "10/m",
    ),
    page(
        "2fa/recovery-codes/download/",
        recovery_codes.download_recovery_codes,
        "mfa_download_recovery_codes",
    ),
]
