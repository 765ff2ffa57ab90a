"""allauth's adapter: mails, redirects, rate limits, and what a login or a new password ends."""

import contextlib
import logging
import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from allauth.core import ratelimit
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from accounts import users
from accounts.client_address import address_of
from accounts.email_address import checked_email, fold_email, sign_in_email
from accounts.errors import EmailTaken, InvalidEmail
from accounts.models import User
from accounts.networks import sender_of
from accounts.oauth.revocation import revoke_all
from accounts.signin import session_list
from accounts.signin.form_limits import refuse
from accounts.signin.language import remember

# The limits that count by address all have windows of this length: see ACCOUNT_RATE_LIMITS.
LIMIT_WINDOW_S = 900
MAIL_RETRY_S = 60
# To give up the wish for another address changes nothing.
NO_NEWS = {"account/email/email_deleted"}

_log = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's ACCOUNT_ADAPTER."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": _("This account is closed."),
        "cannot_remove_primary_email": _("The address you log in with cannot be removed."),
        "duplicate_email": _("This is your address already."),
        "email_password_mismatch": _("The e-mail or the password is wrong."),
        "enter_current_password": _("This is not your present password."),
        "incorrect_code": _("This code is wrong or was used already."),
        "incorrect_password": _("The password is wrong."),
        "invalid_password_reset": _("The link is used or too old."),
        "rate_limited": _("Too many attempts. Wait a little."),
        "too_many_login_attempts": _("Too many attempts. Wait a quarter of an hour."),
        "unverified_primary_email": _("Confirm the address first."),
    }

    # Where people come from and go to

    def is_safe_url(self, url: str | None) -> bool:
        """Allow redirects to our own paths only."""
        return (
            bool(url)
            and str(url).startswith("/")
            and str(url).isprintable()
            and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
        )

    def is_ajax(self, request: HttpRequest) -> bool:
        """Answer with pages only."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the client's address; one that is unknown is 0.0.0.0, for a session has to have one."""
        return str(address_of(request) or session_list.UNKNOWN_ADDRESS)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_settings")

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        return reverse("account_email" if self.request.user.is_authenticated else "account_login")

    # Who may

    def clean_email(self, email: str) -> str:
        try:
            return sign_in_email(checked_email(email))
        except InvalidEmail:
            raise ValidationError(
                gettext("Write an e-mail address such as name@example.ru.")
            ) from None

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            raise ImmediateHttpResponse(refuse(request, LIMIT_WINDOW_S)) from None

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count attempts by person, whatever the spelling, and network: a guesser locks out nobody else."""
        return f"{fold_email(credentials.get('email', ''))} {sender_of(address_of(request))}"

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Accept a recent login instead of another proof."""
        request = self.request
        records = get_authentication_records(request, request.user)
        proved_at = max((record["at"] for record in records), default=0.0)
        if time.time() - proved_at < app_settings.REAUTHENTICATION_TIMEOUT:
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        session_list.make_room(user)
        remember(user, get_language() or "")
        response: HttpResponse = super().post_login(request, user, **kwargs)
        return response

    # What ends

    def logout(self, request: HttpRequest) -> None:
        """End the session and the access of applications."""
        if isinstance(request.user, User):
            revoke_all(user=request.user)
        super().logout(request)

    def set_password(self, user: User, password: str) -> None:
        """Change the password, which ends all other sessions and the access of applications."""
        with transaction.atomic():
            user.set_password(password)
            user.save(update_fields=["password"])
            revoke_all(user=user)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm the address; a new one becomes the login."""
        try:
            with transaction.atomic():
                if not super().confirm_email(request, email_address):
                    return False
                if users.change_email(user=email_address.user, email=email_address.email):
                    revoke_all(user=email_address.user)
        except EmailTaken:
            messages.error(request, gettext("This address could not be confirmed."))
            return False
        return True

    # Mail

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail, or show a page that says it failed; the person may retry at once."""
        request = allauth_context.request
        message = self.render_mail(template_prefix, email, {"email": email} | context)
        try:
            message.send()
        except OSError as error:
            _log.warning("The mail %s was not sent: %s", template_prefix, error)
            for action in ("confirm_email", "reset_password"):
                ratelimit.clear(request, action=action, key=email)
            raise ImmediateHttpResponse(_unsent(request)) from None

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Mail what was done, after the commit; it stays done if the mail fails."""
        if template_prefix not in NO_NEWS:
            transaction.on_commit(lambda: self._notify(template_prefix, user, context, email))

    def _notify(
        self, template_prefix: str, user: User, context: dict[str, Any] | None, email: str | None
    ) -> None:
        with contextlib.suppress(ImmediateHttpResponse):  # send_mail has logged it
            super().send_notification_mail(template_prefix, user, context, email)

    def send_confirmation_mail(
        self, request: HttpRequest, emailconfirmation: Any, signup: bool
    ) -> None:
        address: EmailAddress = emailconfirmation.email_address
        owner = users.owner_of(email=address.email)
        if owner is not None and owner.pk != address.user_id:
            self.send_account_already_exists_mail(address.email)
            return
        super().send_confirmation_mail(request, emailconfirmation, signup)

    def send_account_already_exists_mail(self, email: str) -> None:
        """Send to the account's own address, not to the one typed."""
        user = users.owner_of(email=email)
        if user is not None:
            self.send_mail("account/email/account_already_exists", sign_in_email(user.email), {})

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Send to the account's own address, not to the one typed."""
        super().send_password_reset_mail(user, sign_in_email(user.email), context)

    def get_reset_password_from_key_url(self, key: str) -> str:
        user, _dash, token = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": user, "key": token})
        return f"{settings.PUBLIC_URL}{path}"

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        path = reverse("account_confirm_email", args=[emailconfirmation.key])
        return f"{settings.PUBLIC_URL}{path}"


def _unsent(request: HttpRequest) -> HttpResponse:
    response = render(request, "account/mail_unsent.html", status=503)
    response.headers["Retry-After"] = str(MAIL_RETRY_S)
    return response
